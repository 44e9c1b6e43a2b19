import { CLOUDEVENTS_BATCH_JSON, CLOUDEVENTS_JSON, MeasurementLimits } from '@bellwether/contracts';
import { encodingFault } from '@bellwether/service';
import type { FastifyInstance } from 'fastify';

const accepted = ['application/json', CLOUDEVENTS_JSON, CLOUDEVENTS_BATCH_JSON];

/**
 * Bodies reach the handlers as bytes: measurements are parsed in one place for HTTP and NATS. What is not plain
 * UTF-8 JSON is refused here, since it would be read as something else.
 */
export function takeBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser(
    accepted,
    { parseAs: 'buffer', bodyLimit: MeasurementLimits.bytes },
    (request, body, done) => {
      const fault = encodingFault(request.headers);
      if (fault === null) done(null, body);
      else done(fault);
    },
  );
}
