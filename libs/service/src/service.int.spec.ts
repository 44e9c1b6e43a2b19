import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CommandRefused } from '@bellwether/contracts';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import {
  type CustomTransportStrategy,
  EventPattern,
  MessagePattern,
  Payload,
  Server,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { Public } from './auth.guard.js';
import { createLogger } from './logger.js';
import { requestContext } from './request-context.js';
import { sampleConfig } from './sample-config.fixture.js';
import { type RunningService, runService, type ServiceContext, type ServiceParts } from './service.js';
import { TokenAuthority } from './token-authority.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

const running: RunningService[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
});

const silent = createLogger({ BELLWETHER_LOG_LEVEL: 'silent' });

async function start(
  build: (context: ServiceContext) => Promise<Partial<ServiceParts>>,
  logger = silent,
  options: { drainDeadlineMs?: number } = {},
): Promise<RunningService> {
  const service = await runService(
    {
      name: 'sample',
      config: sampleConfig(),
      build: async (context) => ({
        ready: async () => null,
        close: async () => {},
        ...(await build(context)),
      }),
    },
    { logger, ...options },
  );
  running.push(service);
  return service;
}

async function get(port: number | undefined, path: string) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

describe('the admin port', () => {
  test('answers health, readiness with reasons, and metrics', async () => {
    let reason: string | null = 'the log is away';
    const service = await start(async () => ({ ready: async () => reason }));
    expect(await get(service.adminPort, '/healthz')).toMatchObject({ status: 200 });
    const notReady = await get(service.adminPort, '/readyz');
    expect(notReady.status).toBe(503);
    expect(JSON.parse(notReady.text)).toEqual({ status: 'not ready', reasons: ['the log is away'] });
    reason = null;
    await service.becameReady;
    expect(JSON.parse((await get(service.adminPort, '/readyz')).text)).toEqual({
      status: 'ready',
      reasons: [],
    });
    const metrics = await get(service.adminPort, '/metrics');
    expect(metrics.type).toContain('text/plain');
    for (const name of [
      'process_cpu_seconds_total',
      'http_requests_total',
      'event_consumer_lag_events',
      'dead_letters_total',
      'redeliveries_total',
    ]) {
      expect(metrics.text).toContain(name);
    }
  });

  test('answers nothing else, and nothing but GET', async () => {
    const service = await start(async () => ({}));
    expect(await get(service.adminPort, '/v1/slos')).toMatchObject({
      status: 404,
      type: 'application/problem+json',
    });
    const post = await fetch(`http://127.0.0.1:${service.adminPort}/metrics`, { method: 'POST' });
    expect({ status: post.status, allow: post.headers.get('allow') }).toEqual({
      status: 405,
      allow: 'GET, HEAD',
    });
  });

  test('a check of readiness that throws is not ready, and does not end the service', async () => {
    const service = await start(async () => ({
      ready: () => Promise.reject(new Error('secret host is away')),
    }));
    const { status, text } = await get(service.adminPort, '/readyz');
    expect(status).toBe(503);
    expect(text).not.toContain('secret host');
  });
});

describe('a drain', () => {
  test('finishes the request in hand, takes no new one, and closes the parts last', async () => {
    const order: string[] = [];
    let arrived: () => void = () => {};
    const inHand = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let release: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });

    @Controller()
    class Slow {
      @Get('slow')
      @Public()
      async slow() {
        arrived();
        await gate;
        order.push('answered');
        return { done: true };
      }
    }
    const service = await start(async ({ signal }) => {
      signal.addEventListener('abort', () => order.push('draining'));
      return {
        module: { module: class Sample {}, controllers: [Slow] },
        http: { host: '127.0.0.1', port: 0, authority: new TokenAuthority(undefined) },
        close: async () => void order.push('closed'),
      };
    });
    const answer = get(service.httpPort, '/slow');
    await inHand;
    const stopped = service.stop();
    expect(JSON.parse((await get(service.adminPort, '/readyz')).text)).toEqual({
      status: 'not ready',
      reasons: ['draining'],
    });
    release();
    expect(await answer).toMatchObject({ status: 200, text: '{"done":true}' });
    await stopped;
    expect(order).toEqual(['draining', 'answered', 'closed']);
    await expect(get(service.httpPort, '/slow')).rejects.toThrow();
    await expect(get(service.adminPort, '/healthz')).rejects.toThrow();
  });

  test('cuts at its deadline a request that never ends, and closes the parts then', async () => {
    const { promise: inHand, resolve: arrived } = Promise.withResolvers<void>();
    let closed = false;

    @Controller()
    class Endless {
      @Get('endless')
      @Public()
      endless() {
        arrived();
        return new Promise(() => {});
      }
    }
    const service = await start(
      async () => ({
        module: { module: class Sample {}, controllers: [Endless] },
        http: { host: '127.0.0.1', port: 0, authority: new TokenAuthority(undefined) },
        close: async () => {
          closed = true;
        },
      }),
      silent,
      { drainDeadlineMs: 50 },
    );
    const answer = get(service.httpPort, '/endless').catch((error: unknown) => error);
    await inHand;
    await service.stop();
    expect(closed).toBe(true);
    expect(String(await answer)).toMatch(/fetch failed/);
  });

  test('happens once, however often it is asked for', async () => {
    let closed = 0;
    const service = await start(async () => ({
      close: async () => {
        closed += 1;
      },
    }));
    await Promise.all([service.stop(), service.stop()]);
    expect(closed).toBe(1);
  });

  test('follows a start that failed, so that nothing keeps the process alive', async () => {
    let closed = false;
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const failing = start(async () => ({
      http: { host: '127.0.0.1', port, authority: new TokenAuthority(undefined) },
      close: async () => {
        closed = true;
      },
    }));
    await expect(failing).rejects.toThrow(/EADDRINUSE/);
    expect(closed).toBe(true);
    taken.close();
  });
});

/** A transport that hands messages to handlers when the test says so. */
class ScriptedTransport extends Server implements CustomTransportStrategy {
  listen(callback: () => void): void {
    callback();
  }
  close(): void {}
  on(): void {}
  unwrap<T>(): T {
    return undefined as T;
  }
  async deliver(pattern: string, data: unknown): Promise<unknown> {
    const handler = this.getHandlerByPattern(pattern);
    if (handler === null) throw new Error(`nobody handles ${pattern}`);
    const answer = await handler(data, undefined);
    return typeof answer === 'object' && answer !== null && 'subscribe' in answer
      ? await firstValueFrom(answer)
      : answer;
  }
}

describe('handlers of transports', () => {
  @Controller()
  class Handlers {
    @EventPattern('incident.declared')
    declared(@Payload() _: unknown) {
      return { ...requestContext.getStore() };
    }

    @MessagePattern('cmd.incident.declare')
    declare(@Payload() _: unknown) {
      throw CommandRefused.conflict('there is one open already');
    }
  }

  async function transport(logger = silent): Promise<ScriptedTransport> {
    const strategy = new ScriptedTransport();
    await start(
      async () => ({ module: { module: class Sample {}, controllers: [Handlers] }, strategies: [strategy] }),
      logger,
    );
    return strategy;
  }

  test('say in the log what they handled, under the correlation id of its story', async () => {
    const lines: string[] = [];
    const logger = createLogger(
      { BELLWETHER_LOG_LEVEL: 'debug' },
      { write: (line) => void lines.push(line) },
    );
    const strategy = await transport(logger);
    await strategy.deliver('incident.declared', { id: 'e-1', correlationid: 'story-1', actor: 'user:ada' });
    const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(said.filter(({ message }) => message === 'handled')).toEqual([
      expect.objectContaining({
        handler: 'Handlers.declared',
        event: 'e-1',
        correlationId: 'story-1',
        actor: 'user:ada',
      }),
    ]);
  });

  test('run in the story of the event', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const event = { id: 'e-1', correlationid: 'story-1', actor: 'user:ada', traceparent };
    expect(await (await transport()).deliver('incident.declared', event)).toEqual({
      correlationId: 'story-1',
      causationId: 'e-1',
      traceparent,
      actor: 'user:ada',
    });
  });

  test('run in a story of their own when the message tells none', async () => {
    const strategy = await transport();
    for (const message of [null, 'text', { id: 'bad id\n' }]) {
      expect(await strategy.deliver('incident.declared', message)).toMatchObject({
        correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
    }
  });

  test('hand their errors to the transport as they are', async () => {
    await expect((await transport()).deliver('cmd.incident.declare', {})).rejects.toMatchObject({
      name: 'CommandRefused',
      problem: { status: 409 },
    });
  });
});
