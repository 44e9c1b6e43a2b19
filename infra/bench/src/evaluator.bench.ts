import { Series } from '@bellwether/slo';
import { median, type Result, seconds } from './measure.js';

const MINUTE = 60_000;
const DAY = 1440;
const START = Date.UTC(2026, 0, 1);
/** The look-backs of the google-sre alerts, in minutes. */
const ALERT_WINDOWS = [5, 60, 30, 360, 120, 1440, 360, 4320];

/** A paged series as the evaluator keeps it, with `days` full of minutes measured. */
function filled(days: number, sloWindowDays: number): Series {
  const series = new Series({ windows: new Set([...ALERT_WINDOWS, sloWindowDays * DAY]), paged: true });
  for (let minute = 0; minute < days * DAY; minute++) {
    const at = START + minute * MINUTE;
    series.observe(at, 997 + (minute % 3), 1000);
    if (minute % 60 === 59) settle(series, at);
  }
  settle(series, START + days * DAY * MINUTE);
  return series;
}

/** What the evaluator does after a batch: store what changed, page in the far edges, move on, drop what is not needed. */
function settle(series: Series, now: number): void {
  series.takeDirty();
  for (const hour of series.missing(now)) series.provide(hour, null);
  series.advance(now);
  series.releasePages(now);
}

function memory(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Memory of a series full of minutes, and whether a measurement costs the same whatever the window. */
export async function evaluatorBench(): Promise<Result[]> {
  return [memoryPerSeries(), await costOfAMeasurement()];
}

function memoryPerSeries(): Result {
  const SERIES = 100;
  const before = memory();
  const held = Array.from({ length: SERIES }, () => filled(30, 30));
  const kib = (memory() - before) / SERIES / 1024;
  if (held.length !== SERIES) throw new Error('the series were not held');
  return {
    what: 'evaluator memory per (SLI, indicator), 30 days full',
    ours: `${kib.toFixed(0)} KiB`,
    reference: '128 KiB',
    ratio: kib / 128,
    goal: '≤ 1',
    met: kib <= 128,
  };
}

async function costOfAMeasurement(): Promise<Result> {
  const POINTS = 400_000;
  const series = { short: filled(4, 1), long: filled(92, 90) };
  const base = { short: START + 4 * DAY * MINUTE, long: START + 92 * DAY * MINUTE };
  const measure = (which: 'short' | 'long') =>
    seconds(async () => {
      for (let i = 0; i < POINTS; i++) series[which].observe(base[which] + (i % 59) * 1000, 999, 1000);
    });
  const times = { short: [] as number[], long: [] as number[] };
  for (let round = 0; round < 6; round++) {
    for (const which of ['short', 'long'] as const) {
      const took = await measure(which);
      if (round > 0) times[which].push(took);
    }
  }
  const nanos = (list: number[]) => (median(list) / POINTS) * 1e9;
  const ratio = nanos(times.long) / nanos(times.short);
  return {
    what: 'cost of a measurement, 90-day window',
    ours: `${nanos(times.long).toFixed(0)} ns`,
    reference: `1-day ${nanos(times.short).toFixed(0)} ns`,
    ratio,
    goal: '≤ 1.2',
    met: ratio <= 1.2,
  };
}
