import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { eachLine, readable } from './log-lines.js';

test('a log entry in JSON becomes a line for a person; other lines stay', () => {
  const entry = { level: 'warn', time: '2026-11-22T22:13:20.123Z', service: 'api', lagMs: 12, key: 'a b' };
  expect(readable(JSON.stringify({ ...entry, message: 'late' }))).toBe(
    '22:13:20.123 warn  late lagMs=12 key=a b',
  );
  const error = { message: 'no', stack: 'Error: no\n    at x' };
  const failed = {
    level: 'error',
    time: '2026-11-22T22:13:20.123Z',
    service: 'api',
    error,
    message: 'failed',
  };
  expect(readable(JSON.stringify(failed))).toBe('22:13:20.123 error failed\nError: no\n    at x');
  const told = { ...failed, error: 'CheckpointMoved: elsewhere' };
  expect(readable(JSON.stringify(told))).toBe('22:13:20.123 error failed\nCheckpointMoved: elsewhere');
  for (const line of ['plain text', '{"not": "a log entry"}', '{ broken', ''])
    expect(readable(line)).toBe(line);
});

test('an event is told of by what tells it from others', () => {
  const data = {
    slo: 'checkout-availability',
    service: 'checkout',
    severity: 'page',
    tier: 'fast',
    longBurn: 3.3140000001,
    threshold: 3,
    evidence: { measurements: Array.from({ length: 100 }, (_, i) => i) },
  };
  const entry = { level: 'info', time: '2026-11-22T22:13:20.123Z', service: 'evaluator', position: 12, data };
  expect(readable(JSON.stringify({ ...entry, message: 'slo.alert.fired' }))).toBe(
    '22:13:20.123 info  slo.alert.fired position=12 slo=checkout-availability service=checkout severity=page tier=fast longBurn=3.314 threshold=3',
  );
  const long = { ...entry, data: undefined, answer: { text: 'x'.repeat(1_000) } };
  expect(readable(JSON.stringify(long)).length).toBeLessThan(400);
});

test('lines are whole however the stream is cut, multi-byte characters too', () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  eachLine(stream, (line) => lines.push(line));
  for (const byte of Buffer.from('für\nzwei\n\nlast')) stream.write(Buffer.of(byte));
  stream.end();
  return new Promise<void>((resolve) => {
    stream.on('end', () => {
      expect(lines).toEqual(['für', 'zwei', '', 'last']);
      resolve();
    });
  });
});

test('a line without an end does not grow without bound', () => {
  const stream = new PassThrough();
  const lengths: number[] = [];
  eachLine(stream, (line) => lengths.push(line.length));
  for (let chunk = 0; chunk < 100; chunk += 1) stream.emit('data', 'x'.repeat(10_000));
  expect(Math.max(...lengths)).toBeLessThanOrEqual(65_536);
  expect(lengths.length).toBeGreaterThan(10);
});
