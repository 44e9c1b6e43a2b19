import { z } from 'zod';
import { sloGroup } from '../resources/slo.js';
import { timestamp } from '../time.js';

const moment = timestamp.nullable();
const share = z.number().nullable();

/**
 * When an error budget will be gone. Every course starts from what is known: bad minutes of the past leave a rolling window
 * at the minute at which they do, and give budget back. A moment is null where the budget lasts to the end of the forecast,
 * or where it cannot be said; `reason` says which. A budget that is spent is gone at `asOf`.
 */
export const sloForecast = z
  .object({
    slo: z.string(),
    service: z.string(),
    /** The part of an SLO with `groupBy` that it is about; absent for the whole. */
    group: sloGroup.optional(),
    asOf: timestamp,
    /** Until when the forecast looks: with a calendar window to the end of its period at most. */
    to: timestamp,
    remaining: share,
    /** When some budget is there again at the earliest, if nothing bad happens any more; null where some is there now. */
    best: z.object({ recoversAt: moment }),
    /** As it goes on at the burn rate of the recent window. */
    pace: z.object({
      window: z.string(),
      burn: share,
      exhaustsAt: moment,
      recoversAt: moment,
      reason: z.string().nullable(),
    }),
    /** As it went in former weeks, or days. */
    seasonal: z.object({
      /** Whether it follows the hours of the week or of the day; null where the history is too short. */
      pattern: z.enum(['weekly', 'daily']).nullable(),
      /** Weeks, or days, that it was made of. */
      cycles: z.int(),
      trend: z.object({
        bad: z.enum(['rising', 'falling']).nullable(),
        traffic: z.enum(['rising', 'falling']).nullable(),
      }),
      /**
       * `likely` by the pattern, without incidents; with incidents as often as they came, it is gone by `early` in one of
       * ten courses, and by `late` in nine of ten.
       */
      exhaustsAt: z.object({ early: moment, likely: moment, late: moment }),
      recoversAt: moment,
      reason: z.string().nullable(),
    }),
    /** What remains of the budget; `low` and `high` are exceeded by one of ten courses each. */
    points: z.array(
      z.object({ at: timestamp, best: share, pace: share, likely: share, low: share, high: share }),
    ),
  })
  .meta({ id: 'SloForecast' });
export type SloForecast = z.infer<typeof sloForecast>;
