import type { Rotation as Definition, Restriction } from '@bellwether/contracts';
import { Temporal } from 'temporal-polyfill';
import { OpenHours } from './open-hours.js';
import type { Span } from './span.js';
import { SqueezedShifts } from './squeezed-shifts.js';
import { firstInstant, type Instant, wallClock } from './wall-clock.js';
import { greatestCommonDivisor, modulo } from './whole-numbers.js';

/** One shift: the `index`-th from the rotation's start, negative before it. */
export interface RotationShift extends Span {
  index: number;
  users: readonly string[];
}

const units = { hourly: 'hours', daily: 'days', weekly: 'weeks', monthly: 'months' } as const;
const hoursPerUnit = { hourly: 1, daily: 24, weekly: 168 } as const;
const hoursPerWeek = 168;

/**
 * A rotation in its own time zone, or in that of its schedule. Hand-offs happen at `start` plus whole shifts of
 * wall-clock time; one that clocks jump over takes the first instant after the jump, one that occurs twice the
 * first of the two. The rotation runs backwards before its start.
 *
 * Turns skip nobody: a shift without any of the layer's open hours (a weekend of a weekday rotation), and one that
 * a clock change squeezed to nothing, uses up no participant. So the open hours are of the rotation's zone, too: only
 * by one and the same clock do the shifts that have any repeat weekly, and can be counted. `offset` shifts the
 * participants by so many turns; it is how a change of the list keeps the person on call (see `carriedOffset`).
 */
export class Rotation {
  readonly #definition: Definition;
  readonly #timeZone: string;
  readonly #offset: number;
  readonly #start: Temporal.PlainDateTime;
  readonly #openHours: OpenHours;
  /** Counted shifts before each shift of one repetition of (shift length, week); null when all count. */
  #pattern: number[] | null | undefined;
  readonly #squeezed: SqueezedShifts | null;

  /** @param timeZone of the schedule */
  constructor(
    definition: Definition,
    timeZone: string,
    options: { restrictions?: readonly Restriction[]; offset?: number } = {},
  ) {
    this.#definition = definition;
    this.#timeZone = definition.timeZone ?? timeZone;
    this.#offset = options.offset ?? 0;
    this.#start = Temporal.PlainDateTime.from(definition.start);
    this.#openHours = new OpenHours(options.restrictions, turnDays(definition));
    this.#squeezed = this.#squeezable();
  }

  /** The rotation's participants, in order, each with the people who share the turn. */
  get turns(): readonly (readonly string[])[] {
    return this.#definition.participants.map(asUsers);
  }

  /** When shift `index` begins. */
  handOff(index: number): Instant {
    return firstInstant(this.#wall(index), this.#timeZone);
  }

  /** The shift that covers an instant; always of some length. */
  shiftAt(at: Instant): RotationShift {
    let index = this.#estimate(at);
    let from = this.handOff(index);
    while (from > at) from = this.handOff(--index);
    for (;;) {
      const to = this.handOff(index + 1);
      if (to > at) return { from, to, index, users: this.usersOf(index) };
      from = to;
      index += 1;
    }
  }

  /** The shift that begins where another ends. */
  #next({ index, to: from }: RotationShift): RotationShift {
    for (;;) {
      index += 1;
      const to = this.handOff(index + 1);
      if (to > from) return { from, to, index, users: this.usersOf(index) };
    }
  }

  /** The shifts that overlap [from, to), in order; each begins where the one before it ends. */
  *shifts(from: Instant, to: Instant): Generator<RotationShift> {
    if (from >= to) return;
    let shift = this.shiftAt(from);
    for (;;) {
      yield shift;
      if (shift.to >= to) return;
      shift = this.#next(shift);
    }
  }

  /**
   * Who has the rotation over [from, to), in the hours in which it has somebody. Without `handOffs`, the
   * shifts of a rotation of one are not told apart.
   */
  *onCall(
    from: Instant,
    to: Instant,
    options: { handOffs: boolean } = { handOffs: true },
  ): Generator<Span & { users: readonly string[]; handOff: boolean }> {
    const alone = !options.handOffs && this.#definition.participants.length === 1;
    const shifts = alone ? [{ from, to, users: this.usersOf(0) }] : this.shifts(from, to);
    for (const shift of shifts) {
      const start = Math.max(shift.from, from);
      for (const span of this.#openHours.spans(this.#timeZone, start, Math.min(shift.to, to))) {
        yield { ...span, users: shift.users, handOff: span.from > from || shift.from === from };
      }
    }
  }

  /** Who has shift `index`. */
  usersOf(index: number): readonly string[] {
    const { participants } = this.#definition;
    const turn = this.turnOf(index) + this.#offset;
    return asUsers(participants[modulo(turn, participants.length)]!);
  }

  /** How many turns were taken from the start to shift `index`; negative before the start. */
  turnOf(index: number): number {
    return this.#countedBefore(index) - (this.#squeezed?.before(index) ?? 0);
  }

  #wall(index: number): Temporal.PlainDateTime {
    const { type, length } = this.#definition;
    return this.#start.add({ [units[type]]: index * length });
  }

  #estimate(at: Instant): number {
    const { type, length } = this.#definition;
    const elapsed = this.#start.until(wallClock(at, this.#timeZone), { largestUnit: units[type] });
    return Math.floor(elapsed[units[type]] / length);
  }

  #countedBefore(index: number): number {
    const pattern = this.#turnPattern();
    if (pattern === null) return index;
    const period = pattern.length - 1;
    return Math.floor(index / period) * pattern[period]! + pattern[modulo(index, period)]!;
  }

  /** Whether a shift has any open hours, by its place in the pattern: asking the hours themselves is dear. */
  #takesTurn(index: number): boolean {
    return this.#openHours.always || this.#countedBefore(index + 1) > this.#countedBefore(index);
  }

  #turnPattern(): number[] | null {
    if (this.#pattern === undefined) this.#pattern = this.#findPattern();
    return this.#pattern;
  }

  /** Open hours repeat weekly, so which shifts have any repeats with the shorter of all common multiples. */
  #findPattern(): number[] | null {
    const { type, length } = this.#definition;
    if (type === 'monthly' || this.#openHours.always) return null;
    const hours = hoursPerUnit[type] * length;
    // A shift of a week or more has all the open hours there are, as all the others have.
    if (hours >= hoursPerWeek) return null;
    const period = hoursPerWeek / greatestCommonDivisor(hours, hoursPerWeek);
    const before = [0];
    for (let index = 0; index < period; index += 1) {
      const counts = this.#openHours.touches(this.#wall(index), this.#wall(index + 1));
      before.push(before[index]! + (counts ? 1 : 0));
    }
    return before[period] === 0 ? null : before;
  }

  /** Null where no clock change can squeeze a shift. */
  #squeezable(): SqueezedShifts | null {
    const { type, length } = this.#definition;
    // No zone ever skipped more than a day, so only hand-offs within a day of each other can coincide.
    if (type === 'weekly' || type === 'monthly' || hoursPerUnit[type] * length > 24) return null;
    const start = this.#start.toZonedDateTime('UTC').epochMilliseconds;
    return new SqueezedShifts(this.#timeZone, start, hoursPerUnit[type] * length, (index) =>
      this.#takesTurn(index),
    );
  }
}

/**
 * The offset under which `next` (made without one) keeps on call whoever `previous` has at `at`, where they
 * are still in the list; where they are not, the first of those after them who is. Nobody left of the old
 * list: 0.
 */
export function carriedOffset(previous: Rotation, next: Rotation, at: Instant): number {
  const turn = next.turnOf(next.shiftAt(at).index);
  const onCall = previous.usersOf(previous.shiftAt(at).index);
  const [before, after] = [previous.turns, next.turns];
  const place = before.findIndex((each) => sameUsers(each, onCall));
  for (let step = 0; step < before.length; step += 1) {
    const wanted = before[modulo(place + step, before.length)]!;
    let found = after.findIndex((each) => sameUsers(each, wanted));
    // A turn that gained or lost somebody is still the turn of those who stayed.
    if (found < 0) found = after.findIndex((each) => each.some((user) => wanted.includes(user)));
    if (found >= 0) return modulo(found - turn, after.length);
  }
  return 0;
}

/**
 * A rotation's `days` as hours: the shift days that begin on them, a shift day being 24 hours from the time
 * of the hand-off (of an hourly rotation: the calendar day).
 */
function turnDays({ type, start, days }: Definition): Restriction[] | undefined {
  if (!days) return undefined;
  const time = type === 'hourly' ? '00:00' : start.slice(start.indexOf('T') + 1);
  return [{ days, from: time, to: time }];
}

function asUsers(participant: string | readonly string[]): readonly string[] {
  return typeof participant === 'string' ? [participant] : participant;
}

function sameUsers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((user) => b.includes(user));
}
