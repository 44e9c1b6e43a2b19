import { z } from 'zod';

/** The fields that Sloth's specifications have (slok/sloth, `pkg/prometheus/api/v1` and `pkg/kubernetes/api/sloth/v1`). */

const any = z.unknown().optional();
const plugins = z.strictObject({ overridePrevious: any, override_previous: any, chain: any }).nullish();
const alert = z.strictObject({ disable: any, labels: any, annotations: any }).nullish();
const base = { name: any, description: any, objective: any, labels: any, plugins };
const alertingBase = { name: any, labels: any, annotations: any };
const sliPlugin = z.strictObject({ id: any, options: any }).nullish();

const slo = z.strictObject({
  ...base,
  sli: z
    .strictObject({
      events: z.strictObject({ error_query: any, total_query: any }).nullish(),
      raw: z.strictObject({ error_ratio_query: any }).nullish(),
      plugin: sliPlugin,
    })
    .nullish(),
  alerting: z.strictObject({ ...alertingBase, page_alert: alert, ticket_alert: alert }).nullish(),
});
const specification = z.strictObject({
  version: z.literal('prometheus/v1'),
  service: any,
  labels: any,
  slo_plugins: plugins,
  slos: z.array(slo).nullish(),
});

const resourceSlo = z.strictObject({
  ...base,
  sli: z
    .strictObject({
      events: z.strictObject({ errorQuery: any, totalQuery: any }).nullish(),
      raw: z.strictObject({ errorRatioQuery: any }).nullish(),
      plugin: sliPlugin,
    })
    .nullish(),
  alerting: z.strictObject({ ...alertingBase, pageAlert: alert, ticketAlert: alert }).nullish(),
});
const resource = z.strictObject({
  apiVersion: z.literal('sloth.slok.dev/v1'),
  kind: z.literal('PrometheusServiceLevel'),
  metadata: any,
  status: any,
  spec: z
    .strictObject({ service: any, labels: any, sloPlugins: plugins, slos: z.array(resourceSlo).nullish() })
    .nullish(),
});

const isResource = (value: unknown) => Object(value).kind === 'PrometheusServiceLevel';

/** Whether a document is a specification of Sloth's, as a file or as a Kubernetes resource. */
export function isSlothDocument(value: unknown): boolean {
  const { version, apiVersion } = Object(value) as { version?: unknown; apiVersion?: unknown };
  return isResource(value) ? apiVersion === 'sloth.slok.dev/v1' : version === 'prometheus/v1';
}

/** The fields of a document that its specification does not have. */
export function unknownFields(value: unknown): { path: string; message: string }[] {
  const parsed = (isResource(value) ? resource : specification).safeParse(value);
  return (parsed.error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          path: [...issue.path, key].map(String).join('.'),
          message:
            "is not known to Sloth's specification: take it out, or spell it as the specification does",
        }))
      : [{ path: issue.path.map(String).join('.'), message: issue.message }],
  );
}
