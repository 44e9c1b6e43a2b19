import { describe, expect, test } from '@jest/globals';
import { BusUnavailable, NoResponders } from './errors.js';
import { backoffMs, errorText, isTransient } from './transient.js';

const withCode = (code: string, message = 'x') => Object.assign(new Error(message), { code });

const named = (name: string) => Object.assign(new Error('x'), { name });

describe('errors of the surroundings', () => {
  test.each([
    ['Postgres refuses connections', withCode('ECONNREFUSED')],
    ['Postgres is starting', withCode('57P03')],
    ['Postgres is shutting down', withCode('57P01')],
    ['a deadlock', withCode('40P01')],
    ['a serialization failure', withCode('40001')],
    ['too many connections', withCode('53300')],
    ['a read-only server after a failover', withCode('25006')],
    ['pg lost its connection', new Error('Connection terminated unexpectedly')],
    ['a pool that cannot connect', new Error('timeout exceeded when trying to connect')],
    ['NATS is away', new BusUnavailable('x')],
    ['a service is away', new NoResponders('cmd.a.b')],
    ['the log holds no more', named('Overloaded')],
    ['the log cannot be reached', named('LogUnavailable')],
    ['nobody knows whether the log took it', named('OutcomeUnknown')],
    ['the log is closed, as it is by an ending process', named('LogClosed')],
    ['as a cause', new Error('the append failed', { cause: withCode('ECONNRESET') })],
    ['one of several', new AggregateError([new Error('a'), withCode('ECONNREFUSED')])],
  ])('%s', (_, error) => {
    expect(isTransient(error)).toBe(true);
  });

  test.each([
    ['a bug', new TypeError('x is not a function')],
    ['a constraint', withCode('23505')],
    ['bad data', withCode('22P02')],
    ['a missing table', withCode('42P01')],
    ['no error at all', undefined],
    ['text', 'ECONNREFUSED'],
  ])('%s is not', (_, error) => {
    expect(isTransient(error)).toBe(false);
  });

  test('a circle of causes ends', () => {
    const error: Error & { cause?: unknown } = new Error('a');
    error.cause = error;
    expect(isTransient(error)).toBe(false);
  });
});

test('pauses double up to a limit', () => {
  expect([1, 2, 3, 4, 50].map((attempt) => backoffMs(attempt))).toEqual([50, 100, 200, 400, 5_000]);
});

test('text of errors can be stored and read', () => {
  expect(errorText(new TypeError('no'))).toBe('TypeError: no');
  expect(errorText('plain')).toBe('plain');
  expect(errorText({ status: 'error', message: 'Internal' })).toBe('Internal');
  expect(errorText({ a: 1 })).toBe('{"a":1}');
  expect(errorText(new Error('a\0b\ud800'))).toBe('Error: a b\ufffd');
  expect(errorText(new Error('x'.repeat(5_000)))).toHaveLength(2_000);
});
