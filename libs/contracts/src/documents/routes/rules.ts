import { z } from 'zod';
import { resourceName } from '../../names.js';
import { rule } from '../../resources/rule.js';
import { goldenSignals } from '../../views/golden-signals.js';
import { ruleStatus } from '../../views/rule.js';
import { listOf } from '../../views/views.js';
import { defineRoutes, readQuery, resourceListQuery } from '../route.js';
import { warnings } from './resources.js';

const named = z.object({ name: resourceName });

export const ruleRoutes = defineRoutes({
  listRules: {
    app: 'api',
    method: 'GET',
    path: '/v1/rules',
    tag: 'rules',
    summary: 'Threshold rules by name',
    access: 'viewer',
    query: resourceListQuery.extend({ service: resourceName.optional() }),
    answers: { 200: { description: 'A page of rules', schema: listOf(rule) } },
  },
  getRule: {
    app: 'api',
    method: 'GET',
    path: '/v1/rules/{name}',
    tag: 'rules',
    summary: 'A threshold rule',
    access: 'viewer',
    params: named,
    query: z.strictObject(readQuery),
    answers: { 200: { description: 'The rule', schema: rule } },
    versioned: true,
  },
  putRule: {
    app: 'api',
    method: 'PUT',
    path: '/v1/rules/{name}',
    tag: 'rules',
    summary: 'Create or replace a threshold rule',
    access: 'admin',
    params: named,
    body: { schema: rule, fromPath: { name: 'name' } },
    answers: {
      200: { description: 'The rule as it is now; it existed before', schema: rule.and(warnings) },
      201: { description: 'The rule as it is now; it is new', schema: rule.and(warnings) },
    },
    command: 'evaluator.rule-define',
    versioned: true,
  },
  deleteRule: {
    app: 'api',
    method: 'DELETE',
    path: '/v1/rules/{name}',
    tag: 'rules',
    summary: 'Retire a threshold rule; an alert of it that fires is resolved, its history stays',
    access: 'admin',
    params: named,
    answers: { 200: { description: 'It is retired; the last definition', schema: rule.and(warnings) } },
    command: 'evaluator.rule-retire',
    versioned: true,
  },
  getRuleStatus: {
    app: 'api',
    method: 'GET',
    path: '/v1/rules/{name}/status',
    tag: 'rules',
    summary: 'State, value and threshold now, or as of a time',
    access: 'viewer',
    params: named,
    query: z.strictObject(readQuery),
    answers: { 200: { description: 'The status', schema: ruleStatus } },
  },
  getGoldenSignals: {
    app: 'api',
    method: 'GET',
    path: '/v1/services/{name}/golden-signals',
    tag: 'services',
    summary: 'Latency, traffic, errors and saturation now, or as of a time',
    access: 'viewer',
    params: named,
    query: z.strictObject(readQuery),
    answers: {
      200: {
        description: 'The four signals; what nothing was measured of is unknown',
        schema: goldenSignals,
      },
    },
  },
});
