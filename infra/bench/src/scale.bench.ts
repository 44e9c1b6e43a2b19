import { rmSync } from 'node:fs';
import path from 'node:path';
import {
  CONTROL_JOURNAL,
  LogStreams,
  type MeasurementRecorded,
  measurementJournal,
  type SloDefinition,
  sloDefinition,
} from '@bellwether/contracts';
import { EventLog, type NewEvent } from '@bellwether/event-log';
import { type LocalSystem, startLocal } from '@bellwether/local';
import { temporaryFolder } from '@bellwether/testing';
import { META } from './log.js';
import { perSecond, type Result, seconds } from './measure.js';
import { scrape } from './scrape.js';

const SLOS = 10_000;
const SERVICES = 500;
/** Minutes that each SLI is measured in: one message of so many points. */
const MINUTES = 100;
/** Appends under way at once. */
const AT_ONCE = 256;
const MINUTE = 60_000;
/** How often the passage of time is looked at. */
const TICK_MS = 15_000;
const TICKS = 4;

/** Ten thousand SLOs, each on an SLI of its own, on one evaluator. */
export async function scaleBench(): Promise<Result[]> {
  const dataDir = path.join(temporaryFolder('bench-scale'), 'data');
  const system = await startLocal({
    dataDir,
    env: { BELLWETHER_LOG_LEVEL: 'warn' },
    readyTimeoutMs: 120_000,
    log: (source, line) => console.error(`${source} | ${line}`),
  });
  const log = EventLog.open({ connectionString: system.databaseUrl });
  try {
    const definitions = Array.from({ length: SLOS }, (_, i) => definition(i));
    const defining = await seconds(async () => {
      await each(definitions, (slo) =>
        log.append({
          journal: CONTROL_JOURNAL,
          stream: LogStreams.slo(slo.name),
          expectedVersion: 'no-stream',
          events: [eventOf('slo.defined', slo)],
        }),
      );
      await until(
        system,
        (seen) => seen.get('evaluator_series') === SLOS && seen.get('evaluator_series_building') === 0,
      );
    });
    console.error(`${SLOS} SLOs were taken in after ${defining.toFixed(0)} s`);

    const applying = await seconds(async () => {
      await each(definitions, (slo) =>
        log.append({
          journal: measurementJournal(slo.service, slo.sli),
          stream: LogStreams.measurement(slo.service, slo.sli),
          expectedVersion: 'any',
          events: [eventOf('measurement.recorded', measurement(slo))],
        }),
      );
      await until(system, (seen) => seen.get('evaluator_points_total') === SLOS * MINUTES);
    });
    const rate = (SLOS * MINUTES) / applying;

    const before = await evaluator(system);
    await new Promise((resolve) => setTimeout(resolve, TICKS * TICK_MS));
    const after = await evaluator(system);
    const evaluations =
      (after.get('evaluator_evaluations_total') ?? 0) - (before.get('evaluator_evaluations_total') ?? 0);
    if (evaluations < SLOS * (TICKS - 1)) throw new Error(`only ${evaluations} evaluations were seen`);
    const spent =
      (after.get('process_cpu_seconds_total') ?? 0) - (before.get('process_cpu_seconds_total') ?? 0);
    const tick = (spent / evaluations) * SLOS;
    const gib = (after.get('process_resident_memory_bytes') ?? 0) / 2 ** 30;
    return [
      line(
        '10,000 SLOs: resident memory of the evaluator',
        `${gib.toFixed(2)} GiB`,
        '1.5 GiB',
        gib / 1.5,
        '≤ 1',
      ),
      line(
        '10,000 SLOs: points applied, while they are appended',
        perSecond(rate),
        '50,000/s',
        rate / 50_000,
        '≥ 1',
      ),
      line('10,000 SLOs: CPU of a full evaluation tick', `${tick.toFixed(2)} s`, '1 s', tick, '≤ 1'),
    ];
  } finally {
    await log.close();
    await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function line(what: string, ours: string, reference: string, ratio: number, goal: '≤ 1' | '≥ 1'): Result {
  return { what, ours, reference, ratio, goal, met: goal === '≤ 1' ? ratio <= 1 : ratio >= 1 };
}

/** Works through a list with {@link AT_ONCE} under way at once. */
async function each<T>(list: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = list.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

async function evaluator(system: LocalSystem): Promise<Map<string, number>> {
  const found = system.services().find(({ name }) => name === 'evaluator');
  if (found?.adminPort === undefined) throw new Error('the evaluator does not run');
  return await scrape(found.adminPort);
}

async function until(system: LocalSystem, done: (seen: Map<string, number>) => boolean): Promise<void> {
  while (!done(await evaluator(system))) await new Promise((resolve) => setTimeout(resolve, 100));
}

function definition(i: number): SloDefinition {
  return sloDefinition.parse({
    name: `slo-${i}`,
    service: `service-${i % SERVICES}`,
    sli: `sli-${Math.floor(i / SERVICES)}`,
    objective: 0.999,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: '30d' },
  });
}

/** A message with a point for each of the last minutes, a few of their events bad. */
function measurement({ service, sli, name }: SloDefinition): MeasurementRecorded {
  const now = Date.now();
  const minutes = Array.from({ length: MINUTES }, (_, k) => k);
  return {
    service,
    sli,
    identity: `bench/${name}`,
    points: MINUTES,
    columns: [
      {
        kind: 'counts',
        at: minutes.map((k) => now - (MINUTES - k) * MINUTE),
        good: minutes.map((k) => (k % 10 === 0 ? 1199 : 1200)),
        total: minutes.map(() => 1200),
      },
    ],
  };
}

const eventOf = (type: string, data: unknown): NewEvent => ({
  type,
  schema: 1,
  data,
  meta: META,
  occurredAt: new Date(),
});
