import { z } from 'zod';
import { change, changeReceipt } from '../../changes.js';
import { CLOUDEVENTS_BATCH_JSON, CLOUDEVENTS_JSON } from '../../envelope.js';
import { measurementBody, measurementReceipt } from '../../measurements.js';
import { resourceName } from '../../names.js';
import { defineRoutes } from '../route.js';

const accepted = {
  202: {
    description:
      'Numbers of points, after the commit to the log. What comes again under its identity, the `Idempotency-Key` or the `source` and `id` of an event, is not recorded again and counts as `duplicates`; with other points it is 409. An identity is global: the same points under it are duplicates for another SLI, too, and over NATS. Of an SLI whose unit is `percent` a ratio takes a `value` above 100 as 100, and one below 0 as 0',
    schema: measurementReceipt,
  },
};

export const ingestRoutes = defineRoutes({
  publishMeasurement: {
    app: 'ingest',
    method: 'POST',
    path: '/v1/measurements/{service}/{sli}',
    tag: 'measurements',
    summary: 'Publish measurements of an SLI: a bare body, or a CloudEvent in structured or binary mode',
    access: 'publisher',
    params: z.object({ service: resourceName, sli: resourceName }),
    body: { schema: measurementBody, mediaTypes: ['application/json', CLOUDEVENTS_JSON] },
    idempotent: true,
    answers: accepted,
  },
  publishMeasurements: {
    app: 'ingest',
    method: 'POST',
    path: '/v1/measurements',
    tag: 'measurements',
    summary:
      'Publish measurements of several SLIs as a batch of CloudEvents, whose subjects are `<service>/<sli>`',
    access: 'publisher',
    body: {
      schema: z.array(
        z.looseObject({
          specversion: z.literal('1.0'),
          id: z.string(),
          source: z.string(),
          type: z.string(),
          subject: z.string(),
          time: z.string().optional(),
          data: measurementBody,
        }),
      ),
      mediaTypes: [CLOUDEVENTS_BATCH_JSON],
    },
    answers: accepted,
  },
  recordChange: {
    app: 'ingest',
    method: 'POST',
    path: '/v1/changes',
    tag: 'changes',
    summary:
      'Record a deploy or another change of a service: incidents that begin soon after name it as a suspect. `at` is at most 5 minutes ahead of the clock and at most 400 days old',
    access: 'publisher',
    body: { schema: change },
    idempotent: true,
    answers: { 202: { description: 'The event, after the commit to the log', schema: changeReceipt } },
  },
});
