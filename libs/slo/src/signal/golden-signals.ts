import type { GoldenSignal, GoldenSignals, SignalName, SignalStatus } from '@bellwether/contracts';
import type { RuleReading } from '../rule/rule-reading.js';
import type { SignalPlan } from './signal-plan.js';

/** A signal as it was measured; a reading, or why there is none. */
export interface MeasuredSignal {
  plan: SignalPlan;
  reading: RuleReading | { unknown: string };
}

/** What is known of a signal. Nothing fresh is unknown, never ok; what is beyond its threshold is that, however old. */
export function signalOf({ plan, reading }: MeasuredSignal): GoldenSignal {
  const { threshold, op, level, sli, aggregate, window, unit } = plan;
  const own = { unit, threshold, op, level, sli, aggregate, window };
  if ('unknown' in reading)
    return { status: 'unknown', value: null, ...own, watermark: null, detail: reading.unknown };
  const watermark = reading.watermark === null ? null : new Date(reading.watermark).toISOString();
  const value =
    plan.isComplement && reading.value !== null ? Number((1 - reading.value).toPrecision(12)) : reading.value;
  const detail = doubtOf(plan, reading);
  const status: SignalStatus = isBeyond(plan, reading) ? level : detail === null ? 'ok' : 'unknown';
  return { status, value, ...own, watermark, detail: status === 'unknown' ? detail : null };
}

const isBeyond = ({ threshold }: SignalPlan, { verdict }: RuleReading): boolean =>
  threshold !== null && verdict === 'breached';

/** Why a value that is not beyond the threshold says nothing; null where it does. */
function doubtOf({ sli, window, threshold }: SignalPlan, reading: RuleReading): string | null {
  if (reading.value === null)
    return `nothing was measured of ${sli} in the last ${window} of complete minutes`;
  if (reading.freeze?.kind === 'stale') return reading.freeze.reason;
  return threshold !== null && reading.verdict === 'unknown'
    ? `too few measurements of ${sli} came in the last ${window} to tell`
    : null;
}

const RANK: readonly SignalStatus[] = ['unknown', 'ok', 'warning', 'critical'];

/** All four signals of a service as of an instant (epoch milliseconds). */
export function goldenSignalsOf(
  service: string,
  at: number,
  signals: readonly MeasuredSignal[],
): GoldenSignals {
  const told = Object.fromEntries(signals.map((signal) => [signal.plan.name, signalOf(signal)])) as Record<
    SignalName,
    GoldenSignal
  >;
  const worst = Math.max(...Object.values(told).map(({ status }) => RANK.indexOf(status)));
  return {
    service,
    asOf: new Date(at).toISOString(),
    status: RANK[worst] as SignalStatus,
    ...told,
  };
}
