import { z } from 'zod';
import { text } from '../names.js';
import { timestamp } from '../time.js';
import { recurrence } from './recurrence.js';

/**
 * What a correction makes of its span: `exclude` takes it out of numerator and denominator, `good` counts what was bad
 * in it as good. Where both hold, `exclude` does.
 */
export const correctionEffect = z.enum(['exclude', 'good']);
export type CorrectionEffect = z.infer<typeof correctionEffect>;

/**
 * When a correction holds, what it does and why: once, from `from` to `to`, or again and again by `recurrence`, which
 * `from` and `to` then bound. A correction holds for every minute that its span touches.
 */
export const correctionFields = {
  effect: correctionEffect,
  reason: text(1000),
  from: timestamp.optional(),
  to: timestamp.optional(),
  recurrence: recurrence.optional(),
} as const;

type When = { from?: string | undefined; to?: string | undefined; recurrence?: unknown };

/** Whether it is said when a correction holds. */
export function correctionTime({ value, issues }: z.core.ParsePayload<When>): void {
  const fault = (path: string, message: string) =>
    issues.push({ code: 'custom', path: [path], message, input: value });
  if (value.recurrence === undefined) {
    for (const field of ['from', 'to'] as const)
      if (value[field] === undefined) fault(field, 'is required, unless there is a recurrence');
  }
  if (value.from !== undefined && value.to !== undefined && Date.parse(value.from) >= Date.parse(value.to))
    fault('to', 'must be after from');
}

/** The body of a request to correct an SLO. */
export const correctionBody = z
  .strictObject(correctionFields)
  .check(correctionTime)
  .meta({ id: 'Correction' });
export type CorrectionBody = z.infer<typeof correctionBody>;
