import { z } from 'zod';

const ruleLabels = z.record(z.string(), z.string());

/** A rule that Prometheus evaluates at every interval and stores the result of, under the name `record`. */
export const recordingRule = z
  .strictObject({ record: z.string(), expr: z.string(), labels: ruleLabels })
  .meta({ id: 'RecordingRule' });
export type RecordingRule = z.infer<typeof recordingRule>;

/** A rule whose every result is an alert, once it has been there for `for`. */
export const alertingRule = z
  .strictObject({
    alert: z.string(),
    expr: z.string(),
    for: z.string().optional(),
    labels: ruleLabels,
    annotations: ruleLabels,
  })
  .meta({ id: 'AlertingRule' });
export type AlertingRule = z.infer<typeof alertingRule>;

/** Rules that Prometheus evaluates one after the other; at its own interval unless `interval` is given. */
export const ruleGroup = z
  .strictObject({
    name: z.string(),
    interval: z.string().optional(),
    rules: z.array(z.union([recordingRule, alertingRule])),
  })
  .meta({ id: 'RuleGroup' });
export type RuleGroup = z.infer<typeof ruleGroup>;

/**
 * Rules for Prometheus that alert as an SLO does, and what of the SLO they cannot say. `groups` alone is a rules file;
 * as `application/yaml` the answer is the file, with the notes as comments.
 */
export const prometheusRules = z
  .object({ groups: z.array(ruleGroup), notes: z.array(z.string()) })
  .meta({ id: 'PrometheusRules' });
export type PrometheusRules = z.infer<typeof prometheusRules>;
