import { CLOUDEVENTS_BATCH_JSON, CLOUDEVENTS_JSON, MeasurementLimits } from '@bellwether/contracts';
import { HttpProblem } from '@bellwether/service';
import type { FastifyInstance } from 'fastify';

const accepted = ['application/json', CLOUDEVENTS_JSON, CLOUDEVENTS_BATCH_JSON];
const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i;

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
      const named = charset.exec(request.headers['content-type'] ?? '')?.[1]?.toLowerCase();
      const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity';
      if (named !== undefined && named !== 'utf-8' && named !== 'utf8') {
        done(HttpProblem.mediaType('bodies are UTF-8'));
      } else if (encoding !== 'identity') {
        done(HttpProblem.mediaType('bodies are taken without content encoding'));
      } else done(null, body);
    },
  );
}
