import { CommandRefused, type Fault, isStorable } from '@bellwether/contracts';

/**
 * Refuses text that the log cannot keep (NUL, lone surrogates) wherever it stands: schemas check the texts that they
 * name, free-form parts are checked here, before anything is sent.
 *
 * @throws CommandRefused 400
 */
export function storableOrRefuse(data: unknown): void {
  const faults: Fault[] = [];
  const waiting: { value: unknown; path: string }[] = [{ value: data, path: '' }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const { value, path } = at;
    if (typeof value === 'string' && !isStorable(value))
      faults.push({ path, message: 'must not contain NUL or lone surrogates' });
    if (value === null || typeof value !== 'object') continue;
    for (const [key, inner] of Object.entries(value)) {
      if (!isStorable(key)) faults.push({ path, message: 'has a key with NUL or lone surrogates' });
      waiting.push({ value: inner, path: path === '' ? key : `${path}.${key}` });
    }
  }
  if (faults.length > 0) throw CommandRefused.malformed('the request holds text that cannot be kept', faults);
}
