import { type MeasurementRecorded, sloDefinition } from '@bellwether/contracts';
import { EventLog, migrate, type NewEvent } from '@bellwether/event-log';
import { planSlo, Recording, runBacktest, type SloPlan } from '@bellwether/slo';
import { durablePostgres, META } from './log.js';
import { median, type Result, seconds } from './measure.js';

const MINUTE = 60_000;
const YEAR = 365 * 1440;
const START = Date.UTC(2026, 0, 1);
const SPAN = { from: START, to: START + YEAR * MINUTE };
const STREAM = 'measurement:checkout/availability';
/** Seconds that a year of minutes may take. */
const GOAL = 5;

function plan(): SloPlan {
  const planned = planSlo(
    sloDefinition.parse({
      name: 'checkout-availability',
      service: 'checkout',
      sli: 'availability',
      objective: 0.999,
      indicator: { kind: 'ratio' },
      budgeting: { method: 'occurrences' },
      window: { rolling: '30d' },
    }),
  );
  if (!planned.ok) throw new Error('the definition of the bench is not good');
  return planned.plan;
}

/** A minute of 1,000 requests: a few of them bad, and half an hour in which a fifth is, about once a month. */
const measured = (minute: number): MeasurementRecorded => ({
  service: 'checkout',
  sli: 'availability',
  identity: `bench/${minute}`,
  points: 1,
  columns: [
    {
      kind: 'counts',
      at: [START + minute * MINUTE],
      good: [1000 - (minute % 40_000 < 30 ? 200 : (minute * 7919) % 2)],
      total: [1000],
    },
  ],
});

const eventOf = (minute: number): NewEvent => ({
  type: 'measurement.recorded',
  data: measured(minute),
  meta: META,
  occurredAt: new Date(START + minute * MINUTE),
});

/** One SLO with the four alerts of the preset over a year of minutes, each recorded by itself. */
export async function backtestBench(): Promise<Result[]> {
  const slo = plan();
  const evaluated: number[] = [];
  const whole: number[] = [];
  const postgres = await durablePostgres();
  const log = EventLog.open({ connectionString: postgres.url() });
  try {
    await migrate(postgres.url());
    for (let i = 0; i < YEAR; i += 1000) {
      const events = Array.from({ length: Math.min(1000, YEAR - i) }, (_, k) => eventOf(i + k));
      await log.append({ journal: 'measurement-00', stream: STREAM, expectedVersion: 'any', events });
    }
    for (let round = 0; round < 3; round++) {
      whole.push(
        await seconds(async () => {
          const recording = new Recording(slo, SPAN);
          for await (const { events } of log.scanStream(STREAM)) {
            for (const { data } of events) recording.take((data as MeasurementRecorded).columns);
          }
          evaluated.push(
            await seconds(async () => {
              const { alerts, recorded } = runBacktest(slo, recording, { span: SPAN, points: 300 });
              if (recorded.minutes !== YEAR || alerts.length === 0)
                throw new Error('the backtest did not see the year');
            }),
          );
        }),
      );
    }
  } finally {
    await log.close();
    await postgres.stop();
  }
  const line = (what: string, took: number[]): Result => ({
    what,
    ours: `${median(took).toFixed(1)} s`,
    reference: `${GOAL} s`,
    ratio: median(took) / GOAL,
    goal: '≤ 1',
    met: median(took) <= GOAL,
  });
  return [
    line('backtest of a year of minutes, from the log', whole),
    line('the same, evaluation alone', evaluated),
  ];
}
