import { CommandRefused } from '@bellwether/contracts';

/** JSON that is nested deeper than this is refused: nothing here needs it, and recursive readers die of it. */
export const deepestJson = 64;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a JSON body: strict UTF-8, bounded depth, no `__proto__` key. An empty body is `undefined`, since many
 * clients send a content type with commands that need no body.
 *
 * @throws CommandRefused 400
 */
export function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw CommandRefused.malformed('the body is not UTF-8');
  }
  if (depthExceeds(text, deepestJson)) {
    throw CommandRefused.malformed(`the body is nested deeper than ${deepestJson} levels`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw CommandRefused.malformed(`the body is not JSON${placeOf(error)}`);
  }
  // As an own key it does no harm until some later copy assigns it and changes an object's prototype.
  if ((text.includes('__proto__') || text.includes('\\u00')) && hasProto(value)) {
    throw CommandRefused.malformed('the body has a key "__proto__", which no resource has');
  }
  return value;
}

/** Whether arrays and objects in a JSON text nest deeper than `limit`. Looks at brackets outside of strings only. */
export function depthExceeds(text: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfString(text, i);
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (code === 0x5d || code === 0x7d) {
      depth -= 1;
    }
  }
  return false;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes += 1;
    if (escapes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function hasProto(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Object.hasOwn(value, '__proto__')) return true;
  return Object.values(value).some(hasProto);
}

// V8's message quotes the body; the position alone is safe to hand back.
function placeOf(error: unknown): string {
  const position = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? '' : ` (at character ${position})`;
}
