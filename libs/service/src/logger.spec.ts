import { describe, expect, test } from '@jest/globals';
import { createLogger, NestLog } from './logger.js';
import { acceptCorrelationId, acceptTraceparent, requestContext } from './request-context.js';

function captured(level: 'info' | 'trace' = 'info') {
  const lines: string[] = [];
  const logger = createLogger(
    { BELLWETHER_LOG_LEVEL: level, name: 'paging' },
    { write: (line) => void lines.push(line) },
  );
  return { logger, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('logger', () => {
  test('writes JSON lines with level, time, service and message', () => {
    const { logger, records } = captured();
    logger.info({ page: 'INC-1-P1' }, 'delivered');
    expect(records()).toEqual([
      expect.objectContaining({ level: 'info', service: 'paging', page: 'INC-1-P1', message: 'delivered' }),
    ]);
    expect(records()[0]!.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test('carries the correlation id and the actor through awaits', async () => {
    const { logger, records } = captured();
    await requestContext.run({ correlationId: 'story-1', actor: 'user:ada' }, async () => {
      await Promise.resolve();
      logger.info('inside');
    });
    logger.info('outside');
    expect(records()[0]).toMatchObject({ correlationId: 'story-1', actor: 'user:ada' });
    expect(records()[1]).not.toHaveProperty('correlationId');
  });

  test('hides tokens, secrets and credentials wherever they stand', () => {
    const { logger, lines } = captured();
    const cause = new Error('connect postgres://admin:hunter2@db/x failed');
    logger.error(
      {
        error: Object.assign(new Error('Bearer s3cr3t-token was refused', { cause }), { secret: 'hunter2' }),
        request: { headers: { authorization: 'Bearer s3cr3t-token', cookie: 's3cr3t-token' } },
        contactMethods: [{ id: 'hook', secret: 'whsec_hunter2', address: 'http://u:hunter2@host/' }],
        note: 'rotated whsec_hunter2',
      },
      'NATS at nats://svc:hunter2@bus:4222 said no to Bearer s3cr3t-token',
    );
    expect(lines.join()).not.toMatch(/hunter2|s3cr3t-token/);
    expect(lines.join()).toContain('postgres://[redacted]@db/x');
  });

  test('keeps type, message, stack and cause of an error', () => {
    const { logger, records } = captured();
    logger.error(new TypeError('broken', { cause: new Error('because') }));
    expect(records()[0]).toMatchObject({
      error: { type: 'TypeError', message: 'broken', cause: { type: 'Error', message: 'because' } },
    });
    expect((records()[0]!.error as { stack: string }).stack).toContain('logger.spec');
  });

  test('a record with a cycle, a bigint or a buffer is still written', () => {
    const { logger, records } = captured();
    const cyclic: Record<string, unknown> = { big: 12n, bytes: Buffer.alloc(9) };
    cyclic.self = cyclic;
    logger.info(cyclic, 'odd');
    expect(records()[0]).toMatchObject({ big: '12', bytes: '[9 bytes]', message: 'odd' });
  });

  test('Nest writes through it: what it maps is for debugging, errors are errors', () => {
    const { logger, records } = captured('trace');
    const nest = new NestLog(logger);
    nest.log('Mapped {/v1/slos, GET}', 'RouterExplorer');
    nest.verbose('detail');
    nest.debug('more');
    nest.warn({ odd: 1 });
    nest.error(new Error('broken'), 'Injector');
    nest.fatal('dead');
    expect(records().map(({ level }) => level)).toEqual([
      'debug',
      'trace',
      'debug',
      'warn',
      'error',
      'fatal',
    ]);
    expect(records()[4]).toMatchObject({ context: 'Injector', error: { message: 'broken' } });
  });
});

describe('ids from outside', () => {
  test.each(['0190-abc', 'req:1/2', 'a'])('the correlation id %s is kept', (id) => {
    expect(acceptCorrelationId(id)).toBe(id);
  });
  test.each(['', 'a b', 'a\r\nx: y', 'é', '-a', 'a'.repeat(129), 7, undefined])('%p is not', (id) => {
    expect(acceptCorrelationId(id)).toBeUndefined();
  });
  test('a traceparent of W3C form is kept, others are not', () => {
    const good = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    expect(acceptTraceparent(good)).toBe(good);
    for (const bad of [
      '',
      good.toUpperCase(),
      `ff${good.slice(2)}`,
      `${good}-x`,
      good.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
    ]) {
      expect(acceptTraceparent(bad)).toBeUndefined();
    }
  });
});
