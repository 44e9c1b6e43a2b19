import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually, OtlpCollector } from '@bellwether/testing';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Public } from './auth.guard.js';
import { createLogger } from './logger.js';
import { requestContext } from './request-context.js';
import { sampleConfig } from './sample-config.fixture.js';
import { runService } from './service.js';
import { TokenAuthority } from './token-authority.js';
import { noTracing, startTracing } from './tracing.js';

// Real servers on a busy machine.
jest.setTimeout(60_000);

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${trace}-00f067aa0ba902b7-01`;

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function collector(): Promise<OtlpCollector> {
  const started = await OtlpCollector.start();
  ends.push(() => started.stop());
  return started;
}

function captured() {
  const lines: { level: string; message: string }[] = [];
  const logger = createLogger(
    { BELLWETHER_LOG_LEVEL: 'info' },
    { write: (line) => void lines.push(JSON.parse(line)) },
  );
  return { lines, logger };
}

@Controller()
class Traced {
  @Get('traced/:name')
  @Public()
  traced() {
    return { traceparent: requestContext.getStore()?.traceparent };
  }

  @Get('broken')
  @Public()
  broken() {
    throw new Error('out of order');
  }
}

async function start(endpoint?: string) {
  const service = await runService(
    {
      name: 'sample',
      config: {
        ...sampleConfig(),
        ...(endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
      },
      build: async () => ({
        module: { module: class Sample {}, controllers: [Traced] },
        http: { host: '127.0.0.1', port: 0, authority: new TokenAuthority(undefined) },
        ready: async () => null,
        close: async () => {},
      }),
    },
    { logger: createLogger({ BELLWETHER_LOG_LEVEL: 'silent' }) },
  );
  return { url: `http://127.0.0.1:${service.httpPort}`, stop: () => service.stop() };
}

describe('with a collector', () => {
  test('requests are spans of the trace that they came with', async () => {
    const spans = await collector();
    const service = await start(`${spans.endpoint}/`);
    const response = await fetch(`${service.url}/traced/secret?token=secret`, { headers: { traceparent } });
    const inside = (await response.json()) as { traceparent: string };
    await fetch(`${service.url}/broken`, { headers: { traceparent } });
    await service.stop();
    const [first, second] = spans.trace(trace);
    expect(first).toMatchObject({
      service: 'bellwether-sample',
      name: 'GET /traced/:name',
      kind: 'server',
      parentSpanId: '00f067aa0ba902b7',
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/traced/:name',
        'http.response.status_code': 200,
      },
      failed: false,
    });
    expect(inside.traceparent).toBe(`00-${trace}-${first?.spanId}-01`);
    expect(JSON.stringify(first)).not.toContain('secret');
    expect(second).toMatchObject({ name: 'GET /broken', failed: true, attributes: { 'error.type': '500' } });
  });

  test('a span is the parent of what is begun in it, and fails with it', async () => {
    const spans = await collector();
    const tracing = await startTracing(
      'sample',
      { OTEL_EXPORTER_OTLP_ENDPOINT: spans.endpoint },
      captured().logger,
    );
    const failing = tracing.span('outer', { parent: traceparent, attributes: { n: 1 } }, async (outer) => {
      expect(requestContext.getStore()).toEqual({ correlationId: trace, traceparent: outer.traceparent });
      tracing.begin('inner', { kind: 'client' }).end();
      throw new TypeError('no');
    });
    await expect(failing).rejects.toThrow('no');
    await tracing.stop();
    const [inner, outer] = spans.trace(trace);
    expect(outer).toMatchObject({
      name: 'outer',
      kind: 'internal',
      failed: true,
      attributes: { n: 1, 'error.type': 'TypeError' },
    });
    expect(inner).toMatchObject({ name: 'inner', kind: 'client', parentSpanId: outer?.spanId });
  });

  test('what came in a trace that is not sampled is not sent, and says so to what it causes', async () => {
    const spans = await collector();
    const tracing = await startTracing(
      'sample',
      { OTEL_EXPORTER_OTLP_ENDPOINT: spans.endpoint },
      captured().logger,
    );
    const span = tracing.begin('quiet', { parent: traceparent.replace(/01$/, '00') });
    expect(span.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`));
    span.end();
    await tracing.stop();
    expect(spans.spans).toEqual([]);
  });
});

describe('a collector that fails', () => {
  test('is told of once, and again when it is back; nothing waits for it', async () => {
    let status = 400;
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(status).end('{}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => server.close(() => resolve())));
    const { lines, logger } = captured();
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env.OTEL_BSP_SCHEDULE_DELAY = '10';
    const tracing = await startTracing('sample', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, logger);
    delete process.env.OTEL_BSP_SCHEDULE_DELAY;
    const span = () => tracing.begin('lost').end();
    // Far more than are kept for it.
    for (let i = 0; i < 10_000; i += 1) span();
    await eventually(() => expect(lines).toHaveLength(1));
    status = 200;
    await eventually(() => {
      span();
      expect(lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
        'warn: the collector of traces takes none; they are dropped meanwhile',
        'info: the collector of traces takes them again',
      ]);
    });
    await tracing.stop();
  });

  test('by taking connections and never answering does not keep a service from ending', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const service = await start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect((await fetch(`${service.url}/traced/x`)).status).toBe(200);
    await service.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('without a collector', () => {
  test('the trace that came is handed on as it came', async () => {
    const service = await start();
    const response = await fetch(`${service.url}/traced/x`, { headers: { traceparent } });
    expect(await response.json()).toEqual({ traceparent });
    await service.stop();
    await noTracing.span('off', { parent: traceparent }, async (span) => {
      expect([span.traceparent, requestContext.getStore()?.traceparent]).toEqual([traceparent, traceparent]);
    });
  });
});
