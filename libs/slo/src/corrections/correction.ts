import type { CorrectionBody, Fault, SloCorrected } from '@bellwether/contracts';
import { occurrences, recurrenceFaults, type Span } from '../recurrence.js';
import { DAY_MINUTES, MINUTE } from '../time-grid.js';

/** A correction of what an SLO counts, while it is in effect. */
export interface Correction extends CorrectionBody {
  id: string;
}

/** A correction of more than this is a slip of the pen, and would hide the SLO's measurements unseen. */
const LONGEST_DAYS = 366;
const DAY = DAY_MINUTES * MINUTE;
/** How far ahead a bounded recurrence is looked for. */
const HORIZON = 10 * 366 * DAY;

/** What is wrong with a correction, as far as its shape does not say; nothing when it can be followed. */
export function correctionFaults(correction: CorrectionBody): Fault[] {
  const { recurrence, from, to } = correction;
  if (recurrence === undefined) {
    if (from === undefined || to === undefined || Date.parse(to) - Date.parse(from) <= LONGEST_DAYS * DAY)
      return [];
    return [{ path: 'to', message: `must be at most ${LONGEST_DAYS}d after from` }];
  }
  const faults = recurrenceFaults(recurrence);
  if (faults.length > 0) return faults.map(({ path, message }) => ({ path: `recurrence.${path}`, message }));
  if (from === undefined && to === undefined) return [];
  const start = Date.parse(`${recurrence.start}:00Z`) - 2 * DAY;
  const end = to === undefined ? Math.max(start, Date.parse(from as string)) + HORIZON : Date.parse(to);
  if (correctionSpans(correction, start, end, 1).length > 0) return [];
  return [
    {
      path: from === undefined ? 'to' : 'from',
      message: 'leaves nothing of the recurrence, which does not come about within these bounds',
    },
  ];
}

/** The spans of a correction that touch [from, to), epoch milliseconds, in order, cut to its bounds. */
export function correctionSpans(
  { recurrence, from, to }: CorrectionBody,
  low: number,
  high: number,
  most?: number,
): Span[] {
  const first = from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from);
  const last = to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to);
  const [start, end] = [Math.max(low, first), Math.min(high, last)];
  if (start >= end) return [];
  if (recurrence === undefined) return [{ from: first, to: last }];
  return occurrences(recurrence, start, end, most).map((span) => ({
    from: Math.max(span.from, first),
    to: Math.min(span.to, last),
  }));
}

/** The correction that an event is about. */
export function correctionOf({ id, effect, reason, from, to, recurrence }: SloCorrected): Correction {
  return {
    id,
    effect,
    reason,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(recurrence === undefined ? {} : { recurrence }),
  };
}
