import { z } from 'zod';
import { resourceName } from '../../names.js';
import { service, sli } from '../../resources/service.js';
import { groupValue, sloDefinition } from '../../resources/slo.js';
import { duration } from '../../time.js';
import { sloForecast } from '../../views/forecast.js';
import { prometheusRules } from '../../views/prometheus.js';
import { HISTORY_POINTS, listOf, sloHistory, sloStatus } from '../../views/views.js';
import { defineRoutes, integerParameter, readQuery, resourceListQuery, timeParameter } from '../route.js';

export const warnings = z.object({ warnings: z.array(z.string()) });

/** The body of a `PUT`: the whole resource, in which what the path says already may be left out. */
const named = z.object({ name: resourceName });
const read = z.strictObject(readQuery);
const sliPath = z.object({ service: resourceName, sli: resourceName });

/** `GET` list, `GET` and `PUT` of a kind of resource that is defined as a whole. */
const found = (what: string, schema: z.ZodType) => ({ 200: { description: what, schema } });
const put = (what: string, schema: z.ZodType) => ({
  200: { description: `${what} as it is now; it existed before`, schema: schema.and(warnings) },
  201: { description: `${what} as it is now; it is new`, schema: schema.and(warnings) },
});

export const resourceRoutes = defineRoutes({
  listServices: {
    app: 'api',
    method: 'GET',
    path: '/v1/services',
    tag: 'services',
    summary: 'Services by name',
    access: 'viewer',
    query: resourceListQuery,
    answers: found('A page of services', listOf(service)),
  },
  getService: {
    app: 'api',
    method: 'GET',
    path: '/v1/services/{name}',
    tag: 'services',
    summary: 'A service',
    access: 'viewer',
    params: named,
    query: read,
    answers: found('The service', service),
    versioned: true,
  },
  putService: {
    app: 'api',
    method: 'PUT',
    path: '/v1/services/{name}',
    tag: 'services',
    summary: 'Create or replace a service',
    access: 'admin',
    params: named,
    body: { schema: service, fromPath: { name: 'name' } },
    answers: put('The service', service),
    command: 'evaluator.service-define',
    versioned: true,
  },
  listSlis: {
    app: 'api',
    method: 'GET',
    path: '/v1/slis',
    tag: 'slis',
    summary: 'Service level indicators by service and name',
    access: 'viewer',
    query: resourceListQuery,
    answers: found('A page of SLIs', listOf(sli)),
  },
  getSli: {
    app: 'api',
    method: 'GET',
    path: '/v1/slis/{service}/{sli}',
    tag: 'slis',
    summary: 'A service level indicator',
    access: 'viewer',
    params: sliPath,
    query: read,
    answers: found('The SLI', sli),
    versioned: true,
  },
  putSli: {
    app: 'api',
    method: 'PUT',
    path: '/v1/slis/{service}/{sli}',
    tag: 'slis',
    summary: 'Create or replace a service level indicator',
    access: 'admin',
    params: sliPath,
    body: { schema: sli, fromPath: { service: 'service', sli: 'name' } },
    answers: put('The SLI', sli),
    command: 'evaluator.sli-define',
    versioned: true,
  },
  listSlos: {
    app: 'api',
    method: 'GET',
    path: '/v1/slos',
    tag: 'slos',
    summary: 'Service level objectives by name',
    access: 'viewer',
    query: resourceListQuery.extend({ service: resourceName.optional() }),
    answers: found('A page of SLOs', listOf(sloDefinition)),
  },
  getSlo: {
    app: 'api',
    method: 'GET',
    path: '/v1/slos/{name}',
    tag: 'slos',
    summary: 'A service level objective',
    access: 'viewer',
    params: named,
    query: read,
    answers: found('The definition', sloDefinition),
    versioned: true,
  },
  putSlo: {
    app: 'api',
    method: 'PUT',
    path: '/v1/slos/{name}',
    tag: 'slos',
    summary: 'Create or replace a service level objective',
    access: 'admin',
    params: named,
    body: { schema: sloDefinition, fromPath: { name: 'name' } },
    answers: put('The definition', sloDefinition),
    command: 'evaluator.slo-define',
    versioned: true,
  },
  deleteSlo: {
    app: 'api',
    method: 'DELETE',
    path: '/v1/slos/{name}',
    tag: 'slos',
    summary: 'Retire a service level objective; its history stays',
    access: 'admin',
    params: named,
    answers: {
      200: { description: 'It is retired; the last definition', schema: z.object({}).and(warnings) },
    },
    command: 'evaluator.slo-retire',
    versioned: true,
  },
  getSloStatus: {
    app: 'api',
    method: 'GET',
    path: '/v1/slos/{name}/status',
    tag: 'slos',
    summary: 'SLI, error budget, burn rates and alerts now, or as of a time',
    access: 'viewer',
    params: named,
    query: read.extend({ group: groupValue.optional() }),
    answers: found('The status', sloStatus),
  },
  getSloForecast: {
    app: 'api',
    method: 'GET',
    path: '/v1/slos/{name}/forecast',
    tag: 'slos',
    summary:
      'When the error budget will be gone: at the recent pace, and as former weeks went; now, or as of a time',
    access: 'viewer',
    params: named,
    query: read.extend({
      horizon: duration
        .optional()
        .describe('how far to look ahead, 90d at most; as far as the window of the SLO without it'),
      group: groupValue.optional(),
    }),
    answers: found('The forecast', sloForecast),
  },
  getSloHistory: {
    app: 'api',
    method: 'GET',
    path: '/v1/slos/{name}/history',
    tag: 'slos',
    summary: 'The burn-down of the error budget over a span, as it is known now or was at a time',
    access: 'viewer',
    params: named,
    query: read.extend({
      from: timeParameter.optional(),
      to: timeParameter
        .optional()
        .describe(
          'now, or `asOf`, without it. No point lies after it: the last step ends with the last whole minute before it, or with what there is of the current minute where it lies in that',
        ),
      step: duration.optional(),
      points: integerParameter(1, HISTORY_POINTS)
        .optional()
        .describe('at most so many points, in equal steps, in place of `step`; over 400 days at most'),
      group: groupValue.optional(),
    }),
    answers: found(`Points from \`from\` to \`to\`, at most ${HISTORY_POINTS}`, sloHistory),
  },
  getSloPrometheusRules: {
    app: 'api',
    method: 'GET',
    path: '/v1/slos/{name}/prometheus-rules',
    tag: 'slos',
    summary:
      'Recording and alerting rules for Prometheus that alert as the SLO does, to run both side by side',
    access: 'viewer',
    params: named,
    query: read,
    answers: {
      200: {
        description: 'The rules, and what of the SLO they cannot say; as YAML, a rules file',
        schema: prometheusRules,
        mediaTypes: ['application/yaml'],
      },
    },
  },
});
