import { type ClockGap, GREGORIAN_CYCLE, gapsOfYear, RULE_YEAR, yearOf } from './clock-gaps.js';
import { greatestCommonDivisor } from './whole-numbers.js';

const HOUR = 3_600_000;

/**
 * The shifts of a rotation that a clock change squeezed to nothing: both their ends are jumped over, and fall on the
 * one instant after the jump. They are counted year by year, and from the year in which every zone only repeats
 * itself by the cycle in which it does: the cost does not grow with how far away a year is.
 */
export class SqueezedShifts {
  readonly #timeZone: string;
  readonly #start: number;
  readonly #length: number;
  readonly #cycle: number;
  readonly #counts: (index: number) => boolean;
  readonly #years = new Map<number, readonly number[]>();
  /** How many there are from the first year of the rules to each year after it, within one cycle. */
  readonly #byRule: number[] = [0];

  /**
   * @param start wall-clock time of shift 0, milliseconds as of UTC
   * @param hours length of a shift, wall-clock
   * @param counts whether a shift takes a turn; must repeat weekly, as open hours do
   */
  constructor(timeZone: string, start: number, hours: number, counts: (index: number) => boolean) {
    this.#timeZone = timeZone;
    this.#start = start;
    this.#length = hours * HOUR;
    this.#cycle = GREGORIAN_CYCLE.years * (hours / greatestCommonDivisor(hours, GREGORIAN_CYCLE.hours));
    this.#counts = counts;
  }

  /** How many are between shift 0 and shift `index`; negative before the start. */
  before(index: number): number {
    const [low, high] = index < 0 ? [index, 0] : [0, index];
    const [first, last] = [this.#year(low), this.#year(high)];
    const within = (year: number) => this.#in(year).filter((each) => each >= low && each < high).length;
    let count = 0;
    // The wall-clock year and that of UTC may be each other's neighbours.
    for (let year = first - 1; year <= Math.min(first + 1, last + 1); year += 1) count += within(year);
    for (let year = Math.max(last - 1, first + 2); year <= last + 1; year += 1) count += within(year);
    count += this.#between(first + 2, last - 1);
    return index < 0 ? -count : count;
  }

  #year(index: number): number {
    return yearOf(this.#start + index * this.#length);
  }

  /** How many there are in the years from `from` to the one before `to`. */
  #between(from: number, to: number): number {
    if (from >= to) return 0;
    let count = 0;
    for (let year = from; year < Math.min(to, RULE_YEAR); year += 1) count += this.#in(year).length;
    return count + this.#untilByRule(to) - this.#untilByRule(from);
  }

  #untilByRule(year: number): number {
    const years = Math.max(0, year - RULE_YEAR);
    const cycles = Math.floor(years / this.#cycle);
    return (
      (cycles === 0 ? 0 : cycles * this.#withinCycle(this.#cycle)) + this.#withinCycle(years % this.#cycle)
    );
  }

  #withinCycle(years: number): number {
    const known = this.#byRule;
    for (let year = known.length; year <= years; year += 1)
      known.push(known[year - 1]! + this.#found(RULE_YEAR + year - 1).length);
    return known[years]!;
  }

  #in(year: number): readonly number[] {
    const found = this.#years.get(year) ?? this.#found(year);
    this.#years.set(year, found);
    return found;
  }

  #found(year: number): number[] {
    return gapsOfYear(this.#timeZone, year).flatMap((gap) => this.#squeezedBy(gap));
  }

  #squeezedBy({ from, to }: ClockGap): number[] {
    const first = Math.ceil((from - this.#start) / this.#length);
    const last = Math.floor((to - this.#start) / this.#length);
    const found: number[] = [];
    for (let index = first; index < last; index += 1) if (this.#counts(index)) found.push(index);
    return found;
  }
}
