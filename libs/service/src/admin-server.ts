import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PROBLEM_JSON, problemOf } from '@bellwether/contracts';
import type { Metrics } from './metrics.js';

/** What a process says about itself. */
export interface Health {
  /** Why this process should get no work now; empty when it is ready. */
  reasons(): Promise<string[]>;
  metrics: Metrics;
}

/** One answer of the health routes, for whichever server gives it. */
export interface HealthAnswer {
  status: number;
  contentType: string;
  body: string;
}

/** The paths of {@link healthAnswer}. */
export const healthPaths = ['/healthz', '/readyz', '/metrics'] as const;

/** `/healthz`: the process runs. `/readyz`: it should get work, or 503 with the reasons. `/metrics`: Prometheus text. */
export async function healthAnswer(
  path: (typeof healthPaths)[number],
  health: Health,
): Promise<HealthAnswer> {
  if (path === '/metrics') {
    const { registry } = health.metrics;
    return { status: 200, contentType: registry.contentType, body: await registry.metrics() };
  }
  const reasons = path === '/healthz' ? [] : await health.reasons();
  const status = path === '/healthz' ? 'ok' : reasons.length === 0 ? 'ready' : 'not ready';
  return {
    status: reasons.length === 0 ? 200 : 503,
    contentType: 'application/json',
    body: JSON.stringify({ status, reasons }),
  };
}

/** The server of `/healthz`, `/readyz` and `/metrics`, apart from the public one so that it need not be exposed. */
export class AdminServer {
  private constructor(private readonly server: Server) {}

  /** @throws when the port is taken */
  static async listen(host: string, port: number, health: Health): Promise<AdminServer> {
    const server = createServer({ maxHeaderSize: 8192, requestTimeout: 10_000 }, (request, response) => {
      void answer(request, response, health);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    return new AdminServer(server);
  }

  /** The port it listens on. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, health: Health): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0];
  const known = healthPaths.find((candidate) => candidate === path);
  if (known === undefined)
    return problem(response, 404, 'not-found', 'here are /healthz, /readyz and /metrics only');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return problem(response, 405, 'method-not-allowed', 'this path answers GET only');
  }
  try {
    const { status, contentType, body } = await healthAnswer(known, health);
    response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  } catch {
    problem(response, 500, 'internal', 'the state of this process could not be read');
  }
}

function problem(response: ServerResponse, status: number, slug: string, detail: string): void {
  response.writeHead(status, { 'content-type': PROBLEM_JSON });
  response.end(JSON.stringify(problemOf(status, slug, detail)));
}
