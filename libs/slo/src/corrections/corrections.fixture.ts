import type { CorrectionBody, Recurrence } from '@bellwether/contracts';
import { type Correction, Corrections, type SloPlan } from '../index.js';
import { planSlo } from '../slo-plan.js';
import { definition, EPOCH } from '../virtual-time.fixture.js';

const MINUTE = 60_000;
const iso = (minute: number): string => new Date(EPOCH + minute * MINUTE).toISOString();

/** Minutes after EPOCH, `to` exclusive. */
export type Given = readonly [effect: CorrectionBody['effect'], from: number, to: number];

export const correction = (overrides: Partial<Correction> = {}): Correction => ({
  id: 'c1',
  effect: 'exclude',
  reason: 'maintenance',
  ...overrides,
});

/** Corrections of spans, in minutes after EPOCH. */
export const corrections = (...spans: readonly Given[]): Corrections =>
  new Corrections(
    spans.map(([effect, from, to], i) => correction({ id: `c${i}`, effect, from: iso(from), to: iso(to) })),
  );

/** A correction that comes again. */
export const recurring = (
  effect: CorrectionBody['effect'],
  recurrence: Recurrence,
  bounds: { from?: string; to?: string } = {},
): Corrections => new Corrections([correction({ effect, recurrence, ...bounds })]);

/** The plan of a definition that must be good, with corrections. */
export function correctedPlan(
  overrides: Parameters<typeof definition>[0],
  mask: Corrections = Corrections.NONE,
): SloPlan {
  const planned = planSlo(definition(overrides), undefined, mask);
  if (!planned.ok) throw new Error(JSON.stringify(planned.faults));
  return planned.plan;
}
