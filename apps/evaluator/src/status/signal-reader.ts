import {
  CommandRefused,
  cadenceOf,
  type GoldenSignals,
  LogStreams,
  type Service,
  type Sli,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import {
  classifier,
  goldenSignalsOf,
  IndicatorBuckets,
  type MeasuredSignal,
  MINUTE,
  needsOf,
  planSignals,
  type RulePlan,
  readRule,
  type SignalPlan,
  signalSlis,
} from '@bellwether/slo';
import type { Evaluator } from '../evaluator.js';
import { countRecent } from './recent-measurements.js';
import { storedBuckets } from './stored-buckets.js';

/** Beyond a signal's window, measurements are read so far back to see how often they come, milliseconds. */
const LOOK_BACK_MS = 10 * MINUTE;
/** Messages that are read for one signal at most; more than that are of an SLI that is worth a rule. */
const MOST_MESSAGES = 20_000;

/** What is known of a service. */
interface Known {
  service: Service | undefined;
  slis: readonly Sli[];
}

/** Measures the golden signals of services. */
export class SignalReader {
  readonly #evaluator: Evaluator;
  readonly #log: EventLog;

  constructor(evaluator: Evaluator, log: EventLog) {
    this.#evaluator = evaluator;
    this.#log = log;
  }

  /** The signals now. @throws CommandRefused 404 for a service that nothing is known of */
  async now(name: string): Promise<GoldenSignals> {
    const { registry, clock } = this.#evaluator;
    await registry.catchUp();
    const service = registry.services.get(name)?.data;
    const slis = [...registry.slis.values()].map(({ data }) => data).filter((sli) => sli.service === name);
    return await this.#measure(name, { service, slis }, clock.now());
  }

  /** The signals as they would have been answered then, measured anew. @throws CommandRefused 404 */
  async asOf(name: string, asOf: Date): Promise<GoldenSignals> {
    if (asOf.getTime() >= this.#evaluator.clock.now().getTime()) return await this.now(name);
    const service = await this.#then<Service>(LogStreams.service(name), asOf);
    const slis = await Promise.all(
      signalSlis(service?.goldenSignals).map((sli) => this.#then<Sli>(LogStreams.sli(name, sli), asOf)),
    );
    const known = { service, slis: slis.filter((sli) => sli !== undefined) };
    return await this.#measure(name, known, asOf, asOf);
  }

  async #measure(name: string, { service, slis }: Known, at: Date, until?: Date): Promise<GoldenSignals> {
    if (service === undefined && slis.length === 0) throw CommandRefused.notFound(`service ${name}`);
    const plans = planSignals(name, service?.goldenSignals, slis);
    const signals = await Promise.all(plans.map((plan) => this.#signal(plan, slis, at.getTime(), until)));
    return goldenSignalsOf(name, at.getTime(), signals);
  }

  async #signal(
    plan: SignalPlan,
    slis: readonly Sli[],
    at: number,
    until: Date | undefined,
  ): Promise<MeasuredSignal> {
    const unknown = (reason: string): MeasuredSignal => ({ plan, reading: { unknown: reason } });
    const sli = slis.find(({ name }) => name === plan.sli);
    if (plan.rule === null) return unknown(plan.faults.map(({ message }) => message).join('; '));
    if (sli === undefined) {
      const which = plan.sli === null ? `SLI for it; see goldenSignals.${plan.name}.sli` : `SLI ${plan.sli}`;
      return unknown(`the service has no ${which}`);
    }
    const buckets = await this.#buckets(plan.rule, sli, at, until);
    return buckets === null
      ? unknown(
          `${plan.sli} has more than ${MOST_MESSAGES} messages to read; an SLO or a rule on it keeps its buckets`,
        )
      : { plan, reading: readRule(plan.rule, buckets, at) };
  }

  /** Buckets that something else asks for, else the latest measurements of the log; null when those are too many. */
  async #buckets(
    plan: RulePlan,
    sli: Sli,
    at: number,
    until: Date | undefined,
  ): Promise<IndicatorBuckets | null> {
    const cadence = cadenceOf(sli);
    const { store } = this.#evaluator;
    const stored =
      until === undefined ? await storedBuckets(store, plan, { unit: sli.unit, cadence, at }) : null;
    if (stored !== null && stored.backfill === null) return stored.buckets;
    const buckets = new IndicatorBuckets({ needs: needsOf([], [plan]), cadence });
    const isWhole = await countRecent(this.#log, buckets, {
      service: sli.service,
      sli: sli.name,
      since: at - plan.window.longest * MINUTE - LOOK_BACK_MS,
      until,
      most: MOST_MESSAGES,
      classify: classifier(plan.measure, sli.unit),
    });
    return isWhole ? buckets : null;
  }

  /** A resource as it was defined then. */
  async #then<T>(stream: string, asOf: Date): Promise<T | undefined> {
    return (await this.#log.readStream(stream, { recordedUntil: asOf })).at(-1)?.data as T | undefined;
  }
}
