import type { SloStatus } from '@bellwether/contracts';
import { alertKey, toleranceOf } from './alert-pairs.js';
import type { SloLedger } from './ledger.js';
import type { Reading } from './reading.js';
import { alertsOff, lookBack } from './slo-plan.js';
import { minuteOf } from './time-grid.js';
import { windowMillis } from './window-tally.js';

/** Below this share of remaining budget an SLO is at risk. */
const AT_RISK = 0.25;

/** What is known of an SLO, or of one group of it: its reading, with the alerts as the log has them. */
export function statusOf(reading: Reading, ledger: SloLedger): SloStatus {
  const { plan, measured, tally, consumed, at } = reading;
  const { definition } = plan;
  const { group } = reading.source;
  const remaining = consumed === null ? null : 1 - consumed;
  // What was measured is told as it is; what is made of it holds while absent data freezes it.
  const held = tally.sli;
  const alerts = plan.pairs.map(({ severity, tier }) => {
    const mark = ledger.alerts.get(alertKey({ severity, tier, group }));
    return { severity, tier, state: mark?.state ?? ('ok' as const), since: mark ? iso(mark.since) : null };
  });
  const end = minuteOf(at);
  const low = plan.window.low(end);
  const period = plan.window.period(end);
  const firing = alerts.some((alert) => alert.state === 'firing');
  return {
    slo: definition.name,
    service: definition.service,
    asOf: iso(at),
    state: stateOf(remaining, reading.settled, firing, toleranceOf(plan.budget)),
    frozen: reading.freeze && { since: iso(reading.freeze.since), reason: reading.freeze.reason },
    objective: definition.objective,
    sli: measured.sli,
    good: measured.goodCount,
    total: measured.totalCount,
    compliant: held === null ? null : held >= definition.objective - toleranceOf(plan.budget) * plan.budget,
    budget: {
      total: plan.budget,
      consumed,
      remaining,
      exhausted: remaining !== null && remaining <= toleranceOf(plan.budget),
      exhaustsAt: exhaustsAt(reading, remaining),
    },
    burn: plan.windows.map(({ key, label }) => ({ window: label, rate: reading.burns.get(key) ?? null })),
    alerts,
    ...(period && { period: { from: iso(period.from), to: iso(period.to) } }),
    watermark: reading.watermark === null ? null : iso(reading.watermark),
    history: reading.history,
    settled: reading.settled,
    coverage: reading.coverage,
    corrections: plan.corrections.holding(low, end).length,
    correctedMinutes: plan.corrections.minutes(low, end),
    ...(group && { group }),
    ...(alertsOff(plan, group) && { alertsOff: true }),
  };
}

function stateOf(
  remaining: number | null,
  settled: boolean,
  firing: boolean,
  tolerance: number,
): SloStatus['state'] {
  if (remaining === null) return 'no-data';
  if (remaining < -tolerance && settled) return 'breached';
  return firing || remaining < AT_RISK - tolerance ? 'at-risk' : 'ok';
}

/**
 * When the budget is gone at the recent pace: now + remaining · W / burn over the shortest long window of the alerts
 * (one hour for the preset; the SLO window itself without alerts). Null when nothing burns, or when the period of the
 * calendar ends before, with a whole budget after it; now when it is gone already.
 */
function exhaustsAt({ plan, at, burns }: Reading, remaining: number | null): string | null {
  if (remaining === null) return null;
  if (remaining <= toleranceOf(plan.budget)) return iso(at);
  const longs = plan.pairs.map((pair) => pair.longMinutes);
  const recent = longs.length === 0 ? plan.window : lookBack(plan, Math.min(...longs));
  const burn = burns.get(recent.key) ?? null;
  if (burn === null || burn <= 0) return null;
  const millis = at + (remaining * windowMillis(plan, minuteOf(at))) / burn;
  const period = plan.window.period(minuteOf(at));
  if (period !== null && millis >= period.to) return null;
  // Beyond what a date can hold is "never".
  return millis <= 8.64e15 ? iso(millis) : null;
}

const iso = (at: number): string => new Date(at).toISOString();
