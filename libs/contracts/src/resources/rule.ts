import { z } from 'zod';
import { IMPLIED_DEFAULT, isStorable, labels, resourceName, text } from '../names.js';
import { duration } from '../time.js';
import { measurementUnit } from './measurement-unit.js';
import { severity } from './severity.js';
import { alertSeverity, comparison } from './slo.js';

/**
 * What is made of an SLI's measurements over a window: of observed values their `mean`, `min`, `max` or a percentile, of
 * all of them how many a second (`rate`), of counts the share that is good (`ratio`).
 */
export const ruleAggregate = z
  .enum(['mean', 'min', 'max', 'rate', 'ratio', 'p50', 'p90', 'p95', 'p99'])
  .meta({ id: 'RuleAggregate' });
export type RuleAggregate = z.infer<typeof ruleAggregate>;

/** How long it must hold without a break; `0s` fires at once. */
const holdingTime = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,8})[smhdw]$/, 'must be a duration such as 5m, or 0s')
  .meta({ id: 'HoldingTime' });

const NO_RUNBOOK =
  'is required: an alert must say what to do about it, so give the http or https URL of a page that does';

/** Says that no service was named; nothing that was parsed has it. */
const NO_SERVICE = '';

/** An SLI of the rule's service by its name, or with the service: `checkout/latency`. */
const sliOfRule = z.union(
  [
    resourceName,
    z
      .string()
      .regex(
        /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?[/][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
        'must be a service and an SLI of it, such as checkout/latency',
      ),
  ],
  'must be the name of an SLI, such as latency, or that of its service and it, such as checkout/latency',
);

/** `checkout/latency` as its two names. */
const partsOf = (sli: string): [service: string | undefined, sli: string] => {
  const [service, name] = sli.split('/') as [string, string?];
  return name === undefined ? [undefined, service] : [service, name];
};

/**
 * A threshold rule: fires when what an SLI measures over a window is on the wrong side of a threshold for long enough.
 * The threshold is in `unit`, or in the SLI's own; of a `ratio` it is a share of 1, of a `rate` events a second.
 */
export const rule = z
  .strictObject({
    name: resourceName.describe('Name of the rule'),
    service: resourceName.default(NO_SERVICE).meta({
      [IMPLIED_DEFAULT]: true,
      description: 'Service that it is about; required, unless `sli` names it',
    }),
    /** Once read, the name alone. */
    sli: sliOfRule.describe('SLI whose measurements it reads: its name, or `service/name`'),
    aggregate: ruleAggregate.describe(
      'What is made of the measurements in the window. `mean`, `min`, `max`, `p50` to `p99`: of values. `ratio`: good ÷ total. `rate`: events a second',
    ),
    window: duration.describe('How far it looks back: whole minutes, at most 3d'),
    op: comparison.describe(
      'Fires while the aggregate is above (`gt`), at or above (`gte`), below (`lt`), at or below (`lte`) the threshold',
    ),
    threshold: z
      .number()
      .describe(
        'What the aggregate is compared with; of a `ratio` a share of 1, of a `rate` events a second',
      ),
    unit: measurementUnit
      .optional()
      .describe('Unit of the threshold; without it, of the SLI. Not for `ratio` and `rate`'),
    for: holdingTime
      .default('0s')
      .describe('How long it must hold without a break before the rule fires, at most 30d'),
    clear: z
      .union(
        [
          z.strictObject({
            threshold: z.number().describe('The value must pass this threshold for the alert to resolve'),
          }),
          z.strictObject({
            margin: z
              .number()
              .positive('must be above 0')
              .describe('The value must get this far away from the threshold for the alert to resolve'),
          }),
        ],
        'must be {threshold: <number>} or {margin: <number above 0>}: where the alert resolves',
      )
      .optional()
      .describe(
        'Hysteresis, one of `threshold` and `margin`. Without it the alert resolves at the threshold',
      ),
    severity: alertSeverity.describe(
      '`page` declares an incident or joins an open one, `ticket` joins an open one',
    ),
    declare: severity
      .nullable()
      .optional()
      .describe(
        'Severity of the incident that it declares; null declares none. Without it: sev2 for `page`, none for `ticket`',
      ),
    summary: text(1000).describe('What is wrong, in a line; the title of the incident'),
    runbookUrl: z
      .url({
        protocol: /^https?$/,
        error: ({ input }) => (input === undefined ? NO_RUNBOOK : 'must be an http or https URL'),
      })
      .max(2048)
      .refine(isStorable, 'must not contain NUL or lone surrogates')
      .describe('Where whoever is woken finds what to do'),
    labels: labels.default({}).describe('Labels of your own, at most 16'),
    escalationPolicy: resourceName
      .optional()
      .describe("Policy that pages for an incident it declares; without it, the service's"),
  })
  .superRefine(({ service, sli }, context) => {
    const [named] = partsOf(sli);
    const issue = (message: string) => context.addIssue({ code: 'custom', path: ['service'], message });
    if (service === NO_SERVICE && named === undefined)
      issue('is required, unless sli names it: "<service>/<sli>"');
    if (service !== NO_SERVICE && named !== undefined && named !== service)
      issue(`must be "${named}", as in sli, or be left out`);
  })
  .overwrite((rule) => {
    const [named, sli] = partsOf(rule.sli);
    return named === undefined ? rule : { ...rule, service: named, sli };
  })
  .meta({ id: 'Rule' });
export type Rule = z.infer<typeof rule>;
