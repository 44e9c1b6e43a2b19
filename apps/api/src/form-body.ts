import { HttpProblem } from '@bellwether/service';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';

const FORM = 'application/x-www-form-urlencoded';

/** A browser's form is taken on signed links, where nothing in it counts, and nowhere else: no form can forge a write. */
export function readForms(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  server.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: 4_096 }, (request, _body, done) => {
    if (request.routeOptions.url === '/a/:link') done(null, {});
    else done(HttpProblem.mediaType('the content type is not one that this route accepts'));
  });
}
