import {
  type Clock,
  CONTROL_JOURNAL,
  DEFAULT_EVERY,
  durationMillis,
  formatDuration,
  LogStreams,
  type PrometheusSource,
  queryOver,
  type Sli,
  type SliSourceChanged,
} from '@bellwether/contracts';
import { type EventLog, VersionConflict } from '@bellwether/event-log';
import type { Logger } from '@bellwether/service';
import type { IngestMetrics } from '../ingest-metrics.js';
import { readPoints } from '../measurement/points.js';
import { Refusal } from '../measurement/refusal.js';
import type { Recorder } from '../recorder.js';
import { type Condition, conditionFrom, decide, evolve, type Outcome } from './condition.js';
import type { QueryApi, Range } from './query-api.js';
import { periodIdentity, RECORDED_AT_ONCE, recordedPeriods } from './recorded-periods.js';
import { type Answers, type Measured, queriesOf, queriesWithout, type Sample, samplesOf } from './samples.js';
import { SourceFailure } from './source-failure.js';
import type { SourceMetrics } from './source-metrics.js';
import { Timetable } from './timetable.js';

/** What a source works with. */
export interface SourceContext {
  log: EventLog;
  recorder: Pick<Recorder, 'record'>;
  api: QueryApi;
  clock: Clock;
  logger: Pick<Logger, 'info' | 'warn'>;
  counts: IngestMetrics;
  metrics: SourceMetrics;
  /** Milliseconds: how far back what was missed is asked for, and how long after its end a period is asked for. */
  lookBack: number;
  delay: number;
}

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
const ACTOR = 'service:ingest';

/** One SLI that is fetched: which of its periods are known, how it answers, and when it is to be asked again. */
export class Source {
  /** Epoch milliseconds; not before it was looked up where it was left. */
  dueAt = Number.NEGATIVE_INFINITY;
  #definition: Sli;
  #timetable: Timetable | null = null;
  #known: ReadonlySet<number> = new Set();
  #condition: Condition = conditionFrom(null);

  constructor(
    readonly context: SourceContext,
    definition: Sli,
  ) {
    this.#definition = definition;
  }

  get sli(): string {
    return `${this.#definition.service}/${this.#definition.name}`;
  }

  /** Where requests go: those to one server are bounded together. */
  get origin(): string {
    return new URL(this.#prometheus.url).origin;
  }

  /** Takes another definition; what is known of its periods stays. */
  redefine(definition: Sli): void {
    const isOther = everyOf(definition) !== everyOf(this.#definition);
    this.#definition = definition;
    if (isOther) this.#timetable = null;
    this.dueAt = Number.NEGATIVE_INFINITY;
  }

  /** Asks for the periods that are due, records what they measured, and notes how the source answered. */
  async step(signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.context;
    this.#timetable ??= await this.#open();
    const timetable = this.#timetable;
    const range = timetable.due(clock.now().getTime());
    const outcome = range === null ? null : await this.#fetch(timetable, range, signal);
    if (outcome !== null) await this.#note(outcome);
    const now = clock.now().getTime();
    this.dueAt =
      outcome?.kind === 'failed' && outcome.again
        ? now + pauseAfter(this.#condition.failures)
        : timetable.dueAt;
    metrics.state(this.sli, this.#condition.changed?.state === 'failing', timetable.behind(now));
  }

  /** Looks in the log where it was left, by whichever process. */
  async #open(): Promise<Timetable> {
    const { log, lookBack, delay } = this.context;
    const { service, name } = this.#definition;
    const every = everyOf(this.#definition);
    const { after, known } = await recordedPeriods(log, this.#definition, every);
    this.#known = known;
    const stream = LogStreams.source(service, name);
    const version = await log.streamVersion(stream);
    const [last] = version === 0 ? [] : await log.readStream(stream, { from: version, limit: 1 });
    this.#condition = conditionFrom((last?.data as SliSourceChanged | undefined) ?? null);
    return new Timetable(every, lookBack, delay, after);
  }

  /** @throws LogBusy and other errors of ours: nothing that the source is to blame for */
  async #fetch(timetable: Timetable, range: Range, signal: AbortSignal): Promise<Outcome> {
    const { metrics, clock } = this.context;
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    let answers: Answers;
    let measured: Measured;
    try {
      answers = await this.#ask(range, signal);
      measured = samplesOf(answers, this.#prometheus.per === 'second' ? range.step / 1000 : 1);
    } catch (error) {
      if (!(error instanceof SourceFailure)) throw error;
      metrics.asked('failed', seconds());
      timetable.failed(range);
      return { kind: 'failed', error: error.message, again: true, timedOut: error.timedOut };
    }
    const { periods, faults } = measured;
    metrics.asked(periods.size === 0 ? 'empty' : 'data', seconds());
    const ends = [...periods.keys()].sort((a, b) => a - b);
    await this.#record(timetable, ends, measured);
    timetable.done(range);
    // What is wrong in one period is no reason to go without the next ones.
    const wrong = Math.max(...faults.keys());
    if (faults.size > 0) {
      const at = new Date(wrong).toISOString();
      return {
        kind: 'failed',
        error: `what it answers for ${at} is left out: ${faults.get(wrong)}`,
        again: false,
        timedOut: false,
      };
    }
    return {
      kind: 'answered',
      some: ends.length > 0,
      current: timetable.due(clock.now().getTime()) === null,
      without: queriesWithout(answers),
      every: formatDuration(range.step),
    };
  }

  async #ask(range: Range, signal: AbortSignal): Promise<Answers> {
    const { api } = this.context;
    const source = this.#prometheus;
    const every = formatDuration(range.step);
    const answers: Answers = {};
    for (const name of queriesOf(source)) {
      answers[name] = await api.range(source.url, queryOver(source[name] as string, every), range, signal);
    }
    return answers;
  }

  /** Records periods in order, some at a time; those that are refused are faults. */
  async #record(timetable: Timetable, ends: readonly number[], { periods, faults }: Measured): Promise<void> {
    const missing = ends.filter((end) => !this.#known.has(end));
    for (let from = 0; from < missing.length; from += RECORDED_AT_ONCE) {
      const some = missing.slice(from, from + RECORDED_AT_ONCE);
      await Promise.all(
        some.map(async (end) => {
          const refused = await this.#recordPeriod(end, periods.get(end) ?? []);
          if (refused !== null) faults.set(end, refused);
        }),
      );
      timetable.doneUntil(some.at(-1) as number);
    }
  }

  /** @returns why it is refused; null when it is in the log */
  async #recordPeriod(end: number, samples: Sample[]): Promise<string | null> {
    const { recorder, clock, counts } = this.context;
    const { service, name: sli } = this.#definition;
    const now = clock.now().getTime();
    // The last moment of the period: a minute that ends at 10:01 is the minute of 10:00.
    const at = new Date(end - 1).toISOString();
    try {
      const points = readPoints(
        { points: samples.map((sample) => ({ at, ...sample })) },
        { service, sli, receivedAt: now, now },
      );
      const identity = periodIdentity(this.sli, everyOf(this.#definition), end);
      counts.recorded(
        'prometheus',
        await recorder.record({ service, sli, identity, points }, { actor: ACTOR }),
      );
      return null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Recorded before, when the queries were others, or saw less: what is in the log stays.
      if (error.reason === 'identity-reused') return null;
      counts.refused('prometheus', error.reason);
      return error.message;
    }
  }

  /** Records how the source answers, where that is another than before. */
  async #note(outcome: Outcome): Promise<void> {
    const { log, clock, logger } = this.context;
    const now = clock.now();
    this.#condition = evolve(this.#condition, outcome, now.getTime());
    const change = decide(this.#condition, outcome);
    if (change === null) return;
    const { service, name: sli } = this.#definition;
    const { changed, lastSuccessAt } = this.#condition;
    const data: SliSourceChanged = {
      service,
      sli,
      kind: 'prometheus',
      ...change,
      lastSuccessAt: lastSuccessAt === null ? null : new Date(lastSuccessAt).toISOString(),
      at: now.toISOString(),
      n: (changed?.n ?? 0) + 1,
    };
    const stream = LogStreams.source(service, sli);
    logger[change.state === 'ok' ? 'info' : 'warn'](data, `the source of ${this.sli} is ${change.state}`);
    try {
      await log.append({
        journal: CONTROL_JOURNAL,
        stream,
        expectedVersion: data.n === 1 ? 'no-stream' : data.n - 1,
        events: [
          {
            type: 'sli.source-changed',
            data,
            meta: { correlationId: stream, causationId: null, actor: ACTOR, source: '/bellwether/ingest' },
            occurredAt: now,
          },
        ],
      });
      this.#condition = { ...this.#condition, changed: data };
    } catch (error) {
      // Another process led in between: what it knows is read before anything else is said.
      if (!(error instanceof VersionConflict)) throw error;
      this.#timetable = null;
    }
  }

  get #prometheus(): PrometheusSource {
    return this.#definition.source?.prometheus as PrometheusSource;
  }
}

const pauseAfter = (failures: number): number =>
  Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 10));

const everyOf = ({ source }: Sli): number => durationMillis(source?.every ?? DEFAULT_EVERY);
