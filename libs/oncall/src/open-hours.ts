import type { Restriction, Weekday } from '@bellwether/contracts';
import { Temporal } from 'temporal-polyfill';
import { intersect, merge, type Span } from './span.js';
import { firstInstant, type Instant, lastInstant, wallClock } from './wall-clock.js';

type Wall = Temporal.PlainDateTime;
type WallSpan = { from: Wall; to: Wall };

const { compare } = Temporal.PlainDateTime;
const weekdays: readonly Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

const someWeek = Temporal.PlainDateTime.from('2026-01-05T00:00');

/**
 * The weekly hours, in local time, in which a layer may have anybody. Each given set of restrictions must be
 * open at once; a set is open where any of its restrictions is. A restriction with `from` before `to` is one
 * day; with `from` after `to` it runs past midnight and belongs to the day it starts on; equal times are the
 * 24 hours from then.
 */
export class OpenHours {
  readonly #sets: readonly (readonly Restriction[])[];
  /** Sets that have no hour in common, such as the Saturdays of office hours. */
  readonly #never: boolean;

  constructor(...sets: readonly (readonly Restriction[] | undefined)[]) {
    this.#sets = sets.filter((set): set is readonly Restriction[] => set !== undefined && set.length > 0);
    this.#never = !this.touches(someWeek, someWeek.add({ weeks: 1 }));
  }

  /** Open all the time. */
  get always(): boolean {
    return this.#sets.length === 0;
  }

  /** The open spans within [from, to), in order. One that clocks jump over is not there at all. */
  spans(timeZone: string, from: Instant, to: Instant): Span[] {
    if (from >= to || this.#never) return [];
    const first = wallClock(from, timeZone).toPlainDate();
    const last = wallClock(to, timeZone).toPlainDate().add({ days: 1 });
    let open: Span[] = [{ from, to }];
    for (const set of this.#sets) {
      const windows = windowsOf(set, first, last);
      const spans = windows.map((window) => ({
        from: firstInstant(window.from, timeZone),
        to: lastInstant(window.to, timeZone),
      }));
      open = intersect(open, merge(spans));
    }
    return open;
  }

  /** Whether a stretch of wall-clock time, [from, to), has any open time. */
  touches(from: Wall, to: Wall): boolean {
    let open: WallSpan[] = [{ from, to }];
    for (const set of this.#sets) {
      const windows = windowsOf(set, from.toPlainDate(), to.toPlainDate());
      open = open.flatMap((span) => windows.flatMap((window) => common(span, window)));
    }
    return open.length > 0;
  }
}

/** Windows that may touch the days from `first` to `last`. */
function windowsOf(
  restrictions: readonly Restriction[],
  first: Temporal.PlainDate,
  last: Temporal.PlainDate,
): WallSpan[] {
  const windows: WallSpan[] = [];
  // Two days before: a window may have begun the day before, and a zone may have left out a whole day.
  let day = first.subtract({ days: 2 });
  for (; Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 })) {
    for (const { days, from, to } of restrictions) {
      if (!days.includes(weekdays[day.dayOfWeek - 1]!)) continue;
      const start = day.toPlainDateTime(from);
      const end = day.toPlainDateTime(to);
      windows.push({ from: start, to: compare(end, start) > 0 ? end : end.add({ days: 1 }) });
    }
  }
  return windows;
}

function common(a: WallSpan, b: WallSpan): WallSpan[] {
  const from = compare(a.from, b.from) > 0 ? a.from : b.from;
  const to = compare(a.to, b.to) < 0 ? a.to : b.to;
  return compare(from, to) < 0 ? [{ from, to }] : [];
}
