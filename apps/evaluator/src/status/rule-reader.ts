import {
  CommandRefused,
  cadenceOf,
  LogStreams,
  measurementPartition,
  type RuleStatus,
  type Sli,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import {
  classifier,
  IndicatorBuckets,
  MINUTE,
  needsOf,
  planRule,
  type RulePlan,
  readRule,
  ruleStatusOf,
} from '@bellwether/slo';
import type { Evaluator } from '../evaluator.js';
import { rulePlanOf } from '../partition/rule-plans.js';
import { evolveRuleEntry, type RuleEntry } from '../registry/rule-entry.js';
import { pendingSince } from '../store/pending-rules.js';
import { absentAsOf, absentNow } from './absent.js';
import { unreadableOfRule } from './latest-points.js';
import { countRecent } from './recent-measurements.js';
import { storedBuckets } from './stored-buckets.js';

/** Beyond a rule's window, the cadence of an SLI is worked out from its last three days, milliseconds. */
const LOOK_BACK_MS = 3 * 86_400_000;

/** Answers what is known of a threshold rule, now and as of a moment. */
export class RuleReader {
  readonly #evaluator: Evaluator;
  readonly #log: EventLog;

  constructor(evaluator: Evaluator, log: EventLog) {
    this.#evaluator = evaluator;
    this.#log = log;
  }

  /** The status now. @throws CommandRefused 404, or 422 for a definition that this version cannot evaluate */
  async now(rule: string): Promise<RuleStatus> {
    const { registry, clock, context } = this.#evaluator;
    // Defined a moment ago through another instance, perhaps.
    if (registry.rules.get(rule) === undefined) await registry.catchUp();
    const entry = registry.rules.get(rule);
    if (entry === undefined || entry.retired) throw CommandRefused.notFound(`rule ${rule}`);
    const { service, sli } = entry.definition;
    const planned = rulePlanOf(registry, rule) ?? planOrRefuse(entry, undefined);
    const { plan, unit } = planned;
    const live = await this.#evaluator.liveRuleStatus(rule, measurementPartition(service, sli));
    const absent = absentNow(registry, [`${service}/${sli}`]);
    if (live !== null) return { ...live, ...absent, ...(await unreadableOfRule(this.#log, planned, live)) };

    // Another instance holds the partition, or the buckets are still being made: what is stored answers.
    const at = clock.now().getTime();
    const cadence = cadenceOf(registry.slis.get(`${service}/${sli}`)?.data);
    const stored = await storedBuckets(this.#evaluator.store, plan, { unit, cadence, at });
    const buckets = stored?.buckets ?? new IndicatorBuckets({ needs: needsOf([], [plan]), cadence });
    const backfill =
      stored === null
        ? { done: 0, of: await this.#log.streamVersion(LogStreams.measurement(service, sli)) }
        : stored.backfill;
    const pending = (await context.pending.load([rule])).get(rule);
    const since = pending === undefined ? null : pendingSince(entry, plan, pending);
    const status = ruleStatusOf(readRule(plan, buckets, at), entry.ledger, since);
    return { ...status, ...absent, ...(await unreadableOfRule(this.#log, planned, status)), backfill };
  }

  /**
   * What would have been answered at `asOf`: the definition, the alert and the measurements that the log held then,
   * measured anew. Since when it was pending is not on record. @throws CommandRefused 404 when there was no such rule
   */
  async asOf(rule: string, asOf: Date): Promise<RuleStatus> {
    if (asOf.getTime() >= this.#evaluator.clock.now().getTime()) return await this.now(rule);
    let entry: RuleEntry | undefined;
    for (const event of await this.#log.readStream(LogStreams.rule(rule), { recordedUntil: asOf })) {
      entry = evolveRuleEntry(entry, event);
    }
    if (entry === undefined || entry.retired) throw CommandRefused.notFound(`rule ${rule}`);
    const { service, sli } = entry.definition;
    const defined = await this.#log.readStream(LogStreams.sli(service, sli), { recordedUntil: asOf });
    const definition = defined.at(-1)?.data as Sli | undefined;
    const planned = planOrRefuse(entry, definition?.unit);
    const { plan } = planned;
    const at = asOf.getTime();
    const buckets = new IndicatorBuckets({ needs: needsOf([], [plan]), cadence: cadenceOf(definition) });
    await countRecent(this.#log, buckets, {
      service,
      sli,
      since: at - plan.window.longest * MINUTE - LOOK_BACK_MS,
      until: asOf,
      classify: classifier(plan.measure, definition?.unit),
    });
    const status = ruleStatusOf(readRule(plan, buckets, at), entry.ledger, 'unknown');
    return {
      ...status,
      ...(await absentAsOf(this.#log, [`${service}/${sli}`], asOf)),
      ...(await unreadableOfRule(this.#log, planned, status, asOf)),
      backfill: null,
    };
  }
}

function planOrRefuse(
  { definition }: RuleEntry,
  unit: string | undefined,
): { plan: RulePlan; unit: string | undefined } {
  let planned = planRule(definition, unit);
  if (!planned.ok) planned = planRule(definition);
  if (planned.ok) return { plan: planned.plan, unit };
  throw CommandRefused.refused(`rule ${definition.name} cannot be evaluated`, planned.faults);
}
