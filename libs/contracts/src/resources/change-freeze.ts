import { z } from 'zod';
import { resourceName, text } from '../names.js';
import { timestamp } from '../time.js';
import { recurrence } from './recurrence.js';

/** A time in which services are not to be changed: once, from `from` to `to`, or again and again by `recurrence`. */
export const changeFreeze = z
  .strictObject({
    name: resourceName.describe('Name of the freeze'),
    services: z
      .union([z.literal('*'), z.array(resourceName).min(1).max(500)], {
        error: 'must be "*" or a list of at least one service name',
      })
      .describe('Services it holds for; `"*"` is all of them'),
    reason: text(1000).describe('Why; the gate says it'),
    from: timestamp.optional().describe('When it begins; goes with `to`, and not beside `recurrence`'),
    to: timestamp.optional().describe('When it ends'),
    recurrence: recurrence
      .optional()
      .describe('Times at which it holds again and again, in place of `from` and `to`'),
  })
  .check(({ value, issues }) => {
    const fault = (path: string, message: string) =>
      issues.push({ code: 'custom', path: [path], message, input: value });
    if (value.recurrence) {
      for (const field of ['from', 'to'] as const) {
        if (value[field] !== undefined)
          fault(field, 'must be left out beside a recurrence, whose start and duration say when');
      }
      return;
    }
    for (const field of ['from', 'to'] as const)
      if (value[field] === undefined) fault(field, 'is required, unless there is a recurrence');
    if (value.from !== undefined && value.to !== undefined && value.from >= value.to)
      fault('to', 'must be after from');
  })
  .meta({ id: 'ChangeFreeze' });
export type ChangeFreeze = z.infer<typeof changeFreeze>;
