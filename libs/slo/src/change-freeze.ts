import type { ChangeFreeze, Fault } from '@bellwether/contracts';
import { occurrences, recurrenceFaults, type Span } from './recurrence.js';

/** What is wrong with a change freeze, as far as its shape does not say; nothing when it can be followed. */
export const freezeFaults = ({ recurrence }: ChangeFreeze): Fault[] =>
  recurrence
    ? recurrenceFaults(recurrence).map(({ path, message }) => ({ path: `recurrence.${path}`, message }))
    : [];

/** The spans of a freeze that touch [from, to), epoch milliseconds. */
export function freezeSpans(freeze: ChangeFreeze, from: number, to: number, most?: number): Span[] {
  if (freeze.recurrence) return occurrences(freeze.recurrence, from, to, most);
  const span = { from: Date.parse(freeze.from ?? ''), to: Date.parse(freeze.to ?? '') };
  return span.from < to && span.to > from ? [span] : [];
}

/** Whether the freeze is of a service. */
export const concerns = ({ services }: ChangeFreeze, service: string): boolean =>
  services === '*' || services.includes(service);
