import { finalShifts, scheduleGaps } from './final-schedule.js';
import type { ActiveOverride } from './override.js';
import type { ScheduleState } from './schedule.js';
import type { Span } from './span.js';

const day = 86_400_000;
/** No more of a span is looked at: of an hourly rotation a year takes a second. */
const mostDays = 400;

/**
 * Whether an override is to take off somebody who is not on call at any time of its span, so that it changes nothing.
 * Of a span that is too long to be looked at, only somebody who takes no turns at all is known not to be.
 *
 * @param state may hold the override already
 */
export function takesNobodyOff(state: ScheduleState, { id, removes, from, to }: ActiveOverride): boolean {
  if (removes === null) return false;
  const others = without(state, id);
  if (!isEverNamed(others, removes)) return true;
  const end = Math.min(to, from + mostDays * day);
  for (let [start, length] = [from, 14 * day]; start < end; start += length, length *= 2) {
    const shifts = finalShifts(others, start, Math.min(start + length, end));
    if (shifts.some(({ users }) => users.includes(removes))) return false;
  }
  return end === to;
}

/**
 * The first stretch of an override's span in which nobody is on call because of it; null for none.
 *
 * @param state may hold the override already
 */
export function gapMadeBy(state: ScheduleState, override: ActiveOverride): Span | null {
  const { id, from } = override;
  const to = Math.min(override.to, from + mostDays * day);
  const others = without(state, id);
  const before = scheduleGaps(others, from, to);
  const after = scheduleGaps({ ...others, overrides: [...others.overrides, override] }, from, to);
  const isNew = (gap: Span) => !before.some((known) => known.from <= gap.from && known.to >= gap.to);
  return after.find(isNew) ?? null;
}

const without = (state: ScheduleState, override: string): ScheduleState => ({
  ...state,
  overrides: state.overrides.filter(({ id }) => id !== override),
});

const isEverNamed = ({ versions, overrides }: ScheduleState, user: string): boolean =>
  overrides.some(({ adds }) => adds === user) ||
  versions.some(({ schedule }) =>
    schedule.layers.some(({ rotation }) => rotation.participants.flat().includes(user)),
  );
