import { z } from 'zod';
import { resourceName, text } from '../../names.js';
import { correctionBody } from '../../resources/correction.js';
import { sloCorrection } from '../../views/correction.js';
import { listOf } from '../../views/views.js';
import { defineRoutes, pagedQuery, readQuery } from '../route.js';
import { warnings } from './resources.js';

const named = z.object({ name: resourceName });

/** Their ETag counts how often corrections of the SLO were added or withdrawn. */
export const correctionRoutes = defineRoutes({
  listCorrections: {
    app: 'api',
    method: 'GET',
    path: '/v1/slos/{name}/corrections',
    tag: 'slos',
    summary: 'Corrections of what an SLO counts, withdrawn ones too, the newest first',
    access: 'viewer',
    params: named,
    query: z.strictObject({ ...pagedQuery, ...readQuery }),
    answers: { 200: { description: 'A page of corrections', schema: listOf(sloCorrection) } },
    versioned: true,
  },
  addCorrection: {
    app: 'api',
    method: 'POST',
    path: '/v1/slos/{name}/corrections',
    tag: 'slos',
    summary: 'Exclude a span, or again and again one, from what an SLO counts, or count it as good',
    access: 'responder',
    params: named,
    body: { schema: correctionBody },
    answers: {
      201: { description: 'The correction; it holds at once', schema: sloCorrection.and(warnings) },
    },
    command: 'evaluator.slo-correct',
    versioned: true,
  },
  withdrawCorrection: {
    app: 'api',
    method: 'DELETE',
    path: '/v1/slos/{name}/corrections/{id}',
    tag: 'slos',
    summary: 'Withdraw a correction: the SLO counts as if it had never been made',
    access: 'responder',
    params: z.object({ name: resourceName, id: z.string().max(64) }),
    query: z.strictObject({ reason: text(1000).optional() }),
    answers: { 200: { description: 'It holds no longer', schema: sloCorrection.and(warnings) } },
    command: 'evaluator.slo-correction-withdraw',
    versioned: true,
  },
});
