import { type SloDefinition, sloDefinition } from '@bellwether/contracts';
import {
  decideSlo,
  emptyLedger,
  evolveLedger,
  IndicatorBuckets,
  needsOf,
  planSlo,
  readSlo,
  type SloLedger,
  type SloPlan,
  type SloTransition,
  statusOf,
} from './index.js';

/** Midnight of a day far from any boundary; every run starts here. */
export const EPOCH = Date.parse('2026-01-01T00:00:00.000Z');

/** A definition over counts with a 30-day window, and the given differences. */
export function definition(overrides: Partial<Record<keyof SloDefinition, unknown>> = {}): SloDefinition {
  return sloDefinition.parse({
    name: 'checkout-availability',
    service: 'checkout',
    sli: 'availability',
    objective: 0.999,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: '30d' },
    ...overrides,
  });
}

/** The plan of a definition that must be good. */
export function planOf(
  overrides: Partial<Record<keyof SloDefinition, unknown>> = {},
  sliUnit?: string,
): SloPlan {
  const planned = planSlo(definition(overrides), sliUnit);
  if (!planned.ok) throw new Error(JSON.stringify(planned.faults));
  return planned.plan;
}

/** An SLO on virtual time: measurements go in, transitions come out, and the clock moves only when it is told to. */
export class VirtualSlo {
  readonly buckets: IndicatorBuckets;
  readonly transitions: { at: number; transition: SloTransition }[] = [];
  ledger: SloLedger = emptyLedger;

  constructor(
    readonly plan: SloPlan,
    cadenceMillis?: number,
  ) {
    this.buckets = new IndicatorBuckets({ needs: needsOf([plan]), cadence: cadenceMillis });
  }

  /** Good and all events; sum and count for a mean; a value and its count for a percentile. */
  measure(at: number, good: number, total: number): void {
    this.buckets.observe(at, good, total);
    this.buckets.judge();
  }

  evaluate(now: number): SloTransition[] {
    const transitions = decideSlo(this.read(now), this.ledger, null);
    for (const transition of transitions) {
      this.ledger = evolveLedger(this.ledger, transition);
      this.transitions.push({ at: now, transition });
    }
    return transitions;
  }

  read(now: number) {
    return readSlo(this.plan, this.buckets.source(this.plan), now);
  }

  status(now: number) {
    return statusOf(this.read(now), this.ledger);
  }

  /** When each alert fired and resolved: seconds after `origin`, by `severity tier`. */
  intervals(origin: number): Record<string, { fired: number; resolved: number | null }[]> {
    const found: Record<string, { fired: number; resolved: number | null }[]> = {};
    for (const { at, transition } of this.transitions) {
      if (transition.type === 'slo.budget.crossed') continue;
      const key = `${transition.data.severity} ${transition.data.tier}`;
      found[key] ??= [];
      if (transition.type === 'slo.alert.fired') {
        found[key].push({ fired: (at - origin) / 1000, resolved: null });
      } else {
        (found[key].at(-1) as { resolved: number | null }).resolved = (at - origin) / 1000;
      }
    }
    return found;
  }
}
