/** Instants are UTC text with milliseconds, as `Date.toISOString` writes them: they compare as text. */

/** The first of two instants. */
export function earliest(a: string, b: string): string {
  return [a, b].sort()[0] as string;
}

/** The last of two instants. */
export function latest(a: string, b: string): string {
  return [a, b].sort()[1] as string;
}

/** The instant `millis` after another one. */
export function plus(instant: string, millis: number): string {
  return new Date(Date.parse(instant) + millis).toISOString();
}
