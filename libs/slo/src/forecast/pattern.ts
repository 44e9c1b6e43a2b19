import type { HourlyHistory } from './hourly-history.js';
import { type Line, lowerMedian, spreadAround, trendOf } from './robust.js';

/** What is expected of an hour. */
export interface Expected {
  total: number;
  bad: number;
}

const DAY_HOURS = 24;
const WEEK_HOURS = 168;
/** Days of history that a pattern over the day needs, and weeks that one over the week needs. */
const LEAST_DAYS = 3;
const LEAST_WEEKS = 2;
/** Share of the hours in which something must have been counted. */
const LEAST_MEASURED = 0.25;
/** Standard deviations of a normal distribution in its median distance from the median. */
const NORMAL = 1.4826;
/** How far beyond its habit an hour may be before it is taken for an incident: in spreads, and in roots of what is usual. */
const SPREADS = 3;
const ROOTS = 4;
/** Bad events that may always happen by chance: a single failure where there is little traffic is no incident. */
const CHANCE = 2;
/** Share of the worst hours that says nothing of what is usual. */
const TRIMMED = 0.05;

/** One hour of a cycle that was measured. */
interface Sample extends Expected {
  /** How many cycles after the first one. */
  cycle: number;
  isSilent: boolean;
}

/**
 * What an SLO counts in an hour, by what it counted in the same hour of former weeks (of former days, while there are
 * fewer than two weeks): traffic is their median, and adds up to that of the cycles; the bad share is that of all of them, in which an hour that is far
 * from what is usual for it counts as if it had been usual, so that a single incident is not expected again. Both
 * follow a linear trend over the weeks where those have one.
 */
export class Pattern {
  private constructor(
    readonly kind: 'weekly' | 'daily',
    readonly history: HourlyHistory,
    /** Hours of a cycle, and whole cycles that the pattern is made of, which end with the history. */
    readonly length: number,
    readonly cycles: number,
    readonly trends: { bad: Line | null; traffic: Line | null },
    private readonly cells: readonly { total: number; ratio: number }[],
  ) {}

  /** Why there is no pattern in a history; null where there is one. */
  static reason(history: HourlyHistory): string | null {
    const { kind, length, cycles } = cycleOf(history);
    if (kind === 'daily' && cycles < LEAST_DAYS)
      return `a pattern needs ${LEAST_DAYS} days of history, there are ${(history.hours / DAY_HOURS).toFixed(1)}`;
    const measured = history.measuredIn(cycles * length);
    if (measured >= LEAST_MEASURED) return null;
    return `a pattern needs data in a quarter of the hours, there are ${Math.floor(measured * 100)} %`;
  }

  /** The pattern of a history; null where it is too short, see {@link reason}. */
  static of(history: HourlyHistory): Pattern | null {
    if (Pattern.reason(history) !== null) return null;
    const { kind, length, cycles } = cycleOf(history);
    const samples = samplesOf(history, length, cycles);
    const usual = usualRatio(samples.flat());
    const capped = samples.map((cell) => cappedBy(cell, usual));
    const sums = Array.from({ length: cycles }, (_, cycle) => sumOf(capped.map((cell) => cell[cycle])));
    const heard = sums.filter((_, cycle) => !capped.some((cell) => cell[cycle]?.isSilent));
    const traffic = heard.map(({ total }) => total);
    const trends = {
      bad: kind === 'weekly' ? trendOf(relative(sums.map(ratioOf))) : null,
      // A silence would look like a trend of the traffic.
      traffic: kind === 'weekly' && heard.length === cycles ? trendOf(relative(traffic)) : null,
    };
    const cells = capped.map((cell, i) => {
      // Each sample as it would be where the trend is 1: at the hour that it is of.
      const level = (line: Line | null, cycle: number) => levelAt(line, cycle + placeOf(i, length));
      const measured = cell.filter(({ total }) => total > 0);
      const totals = measured.map(({ total, cycle }) => total / level(trends.traffic, cycle));
      const weight = cell.reduce((sum, { total, cycle }) => sum + total * level(trends.bad, cycle), 0);
      const bad = cell.reduce((sum, each) => sum + each.bad, 0);
      return { total: lowerMedian(totals) ?? 0, ratio: weight === 0 ? 0 : bad / weight };
    });
    // Where there is little traffic, medians of hours do not add up to that of a cycle, which is what counts.
    const whole = lowerMedian(traffic.map((total, cycle) => total / levelAt(trends.traffic, cycle)));
    const sum = cells.reduce((total, cell) => total + cell.total, 0);
    if (whole !== null && sum > 0) for (const cell of cells) cell.total *= whole / sum;
    return new Pattern(kind, history, length, cycles, trends, cells);
  }

  /** What is expected of an hour since the epoch, in the past or in the future. */
  expect(hour: number): Expected {
    const { total, ratio } = this.cells[this.#cell(hour)] as { total: number; ratio: number };
    const expected = total * this.level('traffic', hour);
    return { total: expected, bad: Math.min(expected, expected * ratio * this.level('bad', hour)) };
  }

  /** The trend at an hour, by its mean over the history; 1 where there is none. */
  level(of: 'bad' | 'traffic', hour: number): number {
    return levelAt(this.trends[of], (hour - this.#start) / this.length - 0.5);
  }

  get #start(): number {
    return this.history.end - this.cycles * this.length;
  }

  #cell(hour: number): number {
    return (((hour - this.#start) % this.length) + this.length) % this.length;
  }
}

function cycleOf({ hours }: HourlyHistory): Pick<Pattern, 'kind' | 'length' | 'cycles'> {
  const kind = hours >= LEAST_WEEKS * WEEK_HOURS ? 'weekly' : 'daily';
  const length = kind === 'weekly' ? WEEK_HOURS : DAY_HOURS;
  return { kind, length, cycles: Math.floor(hours / length) };
}

/** Cycles from the middle of the first one, at which its sums are taken, to an hour of it. */
const placeOf = (cell: number, length: number): number => cell / length - 0.5;

/** A trend goes no further than to a tenth or the tenfold of what was: nothing grows for ever. */
const levelAt = (line: Line | null, cycles: number): number =>
  line === null ? 1 : Math.min(10, Math.max(0.1, line.at(cycles)));

/** Values by their mean, which becomes 1. */
function relative(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => (mean === 0 ? 1 : value / mean));
}

/** The hours of whole cycles, by their place in the cycle. */
function samplesOf(history: HourlyHistory, length: number, cycles: number): Sample[][] {
  const { total, bad } = history;
  const start = history.hours - cycles * length;
  return Array.from({ length }, (_, cell) =>
    Array.from({ length: cycles }, (_unused, cycle) => {
      const i = start + cycle * length + cell;
      return { cycle, total: total[i] as number, bad: bad[i] as number, isSilent: history.isSilent(i) };
    }),
  );
}

/** The bad share of all hours but the worst of them. */
function usualRatio(samples: readonly Sample[]): number {
  const measured = samples.filter(({ total }) => total > 0).sort((a, b) => ratioOf(a) - ratioOf(b));
  const { total, bad } = sumOf(measured.slice(0, Math.ceil(measured.length * (1 - TRIMMED))));
  return total === 0 ? 0 : bad / total;
}

/** The samples of one hour of the cycle, those of incidents as is usual for it. */
function cappedBy(cell: readonly Sample[], usual: number): Sample[] {
  const ratios = cell.filter(({ total }) => total > 0).map(ratioOf);
  const habit = lowerMedian(ratios) ?? 0;
  const spread = NORMAL * spreadAround(habit, ratios);
  return cell.map((sample) => {
    const expected = Math.max(habit, usual) * sample.total;
    const most = expected + SPREADS * spread * sample.total + ROOTS * Math.sqrt(expected) + CHANCE;
    return sample.bad > most ? { ...sample, bad: expected } : sample;
  });
}

const ratioOf = ({ total, bad }: Expected): number => (total === 0 ? 0 : bad / total);

function sumOf(samples: readonly (Expected | undefined)[]): Expected {
  const sum = { total: 0, bad: 0 };
  for (const sample of samples) {
    sum.total += sample?.total ?? 0;
    sum.bad += sample?.bad ?? 0;
  }
  return sum;
}
