import { z } from 'zod';
import { httpUrl, text } from '../names.js';
import { duration } from '../time.js';

/**
 * The look-back in a PromQL query of a source, spelled as Sloth spells it. It stands for `every` when the source runs,
 * and for each alert window when rules are exported for Prometheus: `sum(rate(http_requests_total[{{.window}}]))`.
 */
export const WINDOW_TEMPLATE = '{{.window}}';

/** A query with the look-back put in for every `{{.window}}` (blanks inside of the braces are allowed). */
export function queryOver(query: string, window: string): string {
  return query.replaceAll(/\{\{\s*\.window\s*\}\}/g, window);
}

const query = text(8192);

/**
 * Queries of a Prometheus (or what speaks its HTTP API: Thanos, Mimir, VictoriaMetrics), each evaluated at the end of a
 * period of `every`:
 * - `good` and `total`, or `bad` and `total`: how many events there were in the period, or their rate. Both in the same
 *   unit, since only their ratio spends budget; `minTotal` and `minBad` of an SLO count in that unit;
 * - `query`: one value, read by the indicator and the SLI's unit (`ratio`: 0 to 1, 1 is all good).
 */
export const prometheusSource = z
  .strictObject({
    /** Base address, without `/api/v1`. Credentials do not belong into a definition, which everyone may read. */
    url: httpUrl.refine((url) => {
      if (!URL.canParse(url)) return true;
      const { username, password } = new URL(url);
      return username === '' && password === '';
    }, 'must not carry a user name or a password'),
    good: query.optional(),
    bad: query.optional(),
    total: query.optional(),
    query: query.optional(),
  })
  .superRefine((source, context) => {
    const given = (['good', 'bad', 'total', 'query'] as const).filter((name) => source[name] !== undefined);
    if (!['good total', 'bad total', 'query'].includes(given.join(' '))) {
      context.addIssue({
        code: 'custom',
        path: [],
        message: `must have good and total, or bad and total, or query alone; it has ${given.join(', ') || 'none of them'}`,
      });
    }
  })
  .meta({ id: 'PrometheusSource' });
export type PrometheusSource = z.infer<typeof prometheusSource>;

/** Where an SLI's measurements are fetched from. Without one they are published to `ingest`. */
export const sliSource = z
  .looseObject({
    prometheus: prometheusSource.optional(),
    /** How often a source is asked, and the span of time that one answer stands for. Absent: `1m`. */
    every: duration.optional(),
  })
  .meta({ id: 'SliSource' });
export type SliSource = z.infer<typeof sliSource>;

/** `every` of a source that does not say. */
export const DEFAULT_EVERY = '1m';

/**
 * How the source of an SLI answers: `ok`; `empty`, it answers, but has had no data for ten periods; `failing`. `waiting`
 * is one that has not been asked yet.
 */
export const sourceState = z.enum(['ok', 'empty', 'failing']);
export type SourceState = z.infer<typeof sourceState>;
