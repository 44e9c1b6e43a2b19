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
 * - `good` and `total`, or `bad` and `total`: how many events there were in the period (`increase`), or, with
 *   `per: second`, how many in a second of it (`rate`): what is recorded is the number of events either way;
 * - `query`: one value, read by the indicator and the SLI's unit (`ratio`: 0 to 1, 1 is all good).
 */
export const prometheusSource = z
  .strictObject({
    url: httpUrl
      .refine((url) => {
        if (!URL.canParse(url)) return true;
        const { username, password } = new URL(url);
        return username === '' && password === '';
      }, 'must not carry a user name or a password')
      .describe(
        'Base address, without `/api/v1`. Credentials belong in BELLWETHER_PROMETHEUS_HEADERS: everyone may read a definition',
      ),
    good: query.optional().describe('PromQL for the good events of a period; goes with `total`'),
    bad: query
      .optional()
      .describe('PromQL for the bad events of a period; goes with `total`, in place of `good`'),
    total: query.optional().describe('PromQL for all events of a period; goes with `good` or `bad`'),
    query: query.optional().describe('PromQL for one value, in the unit of the SLI; stands alone'),
    per: z
      .literal('second')
      .optional()
      .describe(
        'The answers for `good`, `bad` and `total` are events per second, as of `rate`; absent: events of the period',
      ),
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
    if (source.per !== undefined && source.query !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['per'],
        message: 'is of good or bad, and total: a query has values, which are taken as they are',
      });
    }
  })
  .meta({ id: 'PrometheusSource' });
export type PrometheusSource = z.infer<typeof prometheusSource>;

/** Where an SLI's measurements are fetched from. Without one they are published to `ingest`. */
export const sliSource = z
  .looseObject({
    prometheus: prometheusSource
      .optional()
      .describe('A Prometheus, or what speaks its HTTP API: Thanos, Mimir, VictoriaMetrics'),
    every: duration
      .optional()
      .describe(
        'How often the source is asked, and the period that one answer stands for; `{{.window}}` in a query. Without it: `1m`',
      ),
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
