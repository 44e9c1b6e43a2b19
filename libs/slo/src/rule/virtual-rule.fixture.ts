import { type PointColumns, type Rule, rule } from '@bellwether/contracts';
import {
  classifier,
  decideRule,
  evolveRule,
  IndicatorBuckets,
  needsOf,
  planRule,
  quietRule,
  type RuleLedger,
  type RulePlan,
  type RuleReading,
  type RuleTransition,
  readRule,
  ruleStatusOf,
} from '../index.js';

type Overrides = Partial<Record<keyof Rule, unknown>>;

/** A rule over the mean of a value, above 90 for 5 minutes, and the given differences. */
export function ruleBody(overrides: Overrides = {}): Rule {
  return rule.parse({
    name: 'queue-deep',
    service: 'orders',
    sli: 'depth',
    aggregate: 'mean',
    window: '1m',
    op: 'gt',
    threshold: 90,
    for: '5m',
    severity: 'page',
    summary: 'the queue of orders is deep',
    runbookUrl: 'https://runbooks.example.org/queue-deep',
    ...overrides,
  });
}

/** The plan of a rule that must be good. */
export function rulePlan(overrides: Overrides = {}, sliUnit?: string): RulePlan {
  const planned = planRule(ruleBody(overrides), sliUnit);
  if (!planned.ok) throw new Error(JSON.stringify(planned.faults));
  return planned.plan;
}

/** A rule on virtual time: measurements go in, transitions come out, and the clock moves only when it is told to. */
export class VirtualRule {
  readonly buckets: IndicatorBuckets;
  readonly transitions: RuleTransition[] = [];
  ledger: RuleLedger = quietRule;
  pendingSince: number | null = null;

  constructor(
    public plan: RulePlan,
    private readonly sliUnit?: string,
    cadence?: number,
  ) {
    this.buckets = new IndicatorBuckets({ needs: needsOf([], [plan]), cadence });
  }

  measure(columns: PointColumns): void {
    classifier(this.plan.measure, this.sliUnit)(columns, (at, measure, count) =>
      this.buckets.observe(at, measure, count),
    );
  }

  value(at: number, value: number): void {
    this.measure({ kind: 'values', at: [at], value: [value] });
  }

  read(now: number): RuleReading {
    return readRule(this.plan, this.buckets, now);
  }

  /** Looks at the rule as its evaluator does. @returns what is appended, in short: `fired 1` */
  evaluate(now: number): string | null {
    const { pendingSince, transition } = decideRule(this.read(now), this.ledger, this.pendingSince, null);
    this.pendingSince = pendingSince;
    if (transition === null) return null;
    this.ledger = evolveRule(this.ledger, transition);
    this.transitions.push(transition);
    return `${transition.type.slice('rule.alert.'.length)} ${transition.data.n}`;
  }

  status(now: number) {
    return ruleStatusOf(this.read(now), this.ledger, this.pendingSince);
  }
}
