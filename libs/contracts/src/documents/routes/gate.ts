import { z } from 'zod';
import { gateBodies } from '../../commands/catalog.js';
import { resourceName } from '../../names.js';
import { changeFreeze } from '../../resources/change-freeze.js';
import { gate, gateOverride } from '../../views/gate.js';
import { listOf } from '../../views/views.js';
import { defineRoutes, pagedQuery, readQuery, resourceListQuery } from '../route.js';
import { warnings } from './resources.js';

const named = z.object({ name: resourceName });
const overridePath = z.object({ name: resourceName, id: z.string().max(64) });

export const gateRoutes = defineRoutes({
  getGate: {
    app: 'api',
    method: 'GET',
    path: '/v1/services/{name}/gate',
    tag: 'gate',
    summary: 'May this service be changed now? 200 either way',
    access: 'viewer',
    params: named,
    query: z.strictObject({ asOf: readQuery.asOf }),
    answers: {
      200: { description: 'The answer, with everything that was taken into account', schema: gate },
    },
  },
  decideGate: {
    app: 'api',
    method: 'POST',
    path: '/v1/services/{name}/gate/decisions',
    tag: 'gate',
    summary: 'The same for a named change, with the answer kept on record',
    access: 'responder',
    params: named,
    body: { schema: gateBodies.decide },
    answers: { 201: { description: 'The answer, which is in the log', schema: gate.and(warnings) } },
    command: 'evaluator.gate-record',
  },
  listGateOverrides: {
    app: 'api',
    method: 'GET',
    path: '/v1/services/{name}/gate/overrides',
    tag: 'gate',
    summary: 'Overrides of the gate, the newest first',
    access: 'viewer',
    params: named,
    query: z.strictObject({ ...pagedQuery, asOf: readQuery.asOf }),
    answers: { 200: { description: 'A page of overrides', schema: listOf(gateOverride) } },
  },
  createGateOverride: {
    app: 'api',
    method: 'POST',
    path: '/v1/services/{name}/gate/overrides',
    tag: 'gate',
    summary: 'Let changes through until a time, for a reason',
    access: 'responder',
    params: named,
    body: { schema: gateBodies.override },
    answers: { 201: { description: 'The override', schema: gateOverride.and(warnings) } },
    command: 'evaluator.gate-override',
  },
  withdrawGateOverride: {
    app: 'api',
    method: 'DELETE',
    path: '/v1/services/{name}/gate/overrides/{id}',
    tag: 'gate',
    summary: 'Withdraw an override',
    access: 'responder',
    params: overridePath,
    answers: { 200: { description: 'It holds no longer', schema: gateOverride.and(warnings) } },
    command: 'evaluator.gate-override-withdraw',
  },
  listFreezes: {
    app: 'api',
    method: 'GET',
    path: '/v1/freezes',
    tag: 'gate',
    summary: 'Change freezes by name',
    access: 'viewer',
    query: resourceListQuery,
    answers: { 200: { description: 'A page of change freezes', schema: listOf(changeFreeze) } },
  },
  getFreeze: {
    app: 'api',
    method: 'GET',
    path: '/v1/freezes/{name}',
    tag: 'gate',
    summary: 'A change freeze',
    access: 'viewer',
    params: named,
    query: z.strictObject(readQuery),
    answers: { 200: { description: 'The change freeze', schema: changeFreeze } },
    versioned: true,
  },
  putFreeze: {
    app: 'api',
    method: 'PUT',
    path: '/v1/freezes/{name}',
    tag: 'gate',
    summary: 'Create or replace a change freeze',
    access: 'responder',
    params: named,
    body: { schema: changeFreeze, fromPath: { name: 'name' } },
    answers: {
      200: {
        description: 'The change freeze as it is now; it existed before',
        schema: changeFreeze.and(warnings),
      },
      201: { description: 'The change freeze as it is now; it is new', schema: changeFreeze.and(warnings) },
    },
    command: 'evaluator.freeze-define',
    versioned: true,
  },
  deleteFreeze: {
    app: 'api',
    method: 'DELETE',
    path: '/v1/freezes/{name}',
    tag: 'gate',
    summary: 'Take a change freeze away; its history stays',
    access: 'responder',
    params: named,
    answers: { 200: { description: 'It is gone; the last definition', schema: changeFreeze.and(warnings) } },
    command: 'evaluator.freeze-retire',
    versioned: true,
  },
});
