/** Units that are written otherwise than they are called, or not at all. */
const WRITTEN: Record<string, string> = {
  count: '',
  none: '',
  ratio: '',
  '': '',
  percent: ' %',
  '1/s': '/s',
};

/** A value with its unit, as people write it: five digits are more than a person compares. */
export function inUnit({ unit }: { unit: string }, value: number | null): string {
  if (value === null) return '–';
  return `${Number(value.toPrecision(5))}${WRITTEN[unit] ?? ` ${unit}`}`;
}
