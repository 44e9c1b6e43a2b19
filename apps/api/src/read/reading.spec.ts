import type { EventEnvelope } from '@bellwether/contracts';
import { describe, expect, jest, test } from '@jest/globals';
import { matching } from './event-filter.js';
import { atLeast } from './freshness.js';

describe('a filter of events', () => {
  const event = {
    type: 'bellwether.slo.alert.fired.v1',
    subject: 'checkout',
    correlationid: 'story',
  } as EventEnvelope;

  test.each([
    [{}, true],
    [{ type: 'slo.alert.fired' }, true],
    [{ type: 'bellwether.slo.alert.fired.v1' }, true],
    [{ type: 'page.requested,slo.*' }, true],
    [{ type: 'slo.alert.*' }, true],
    [{ type: 'slo.alert.fired.*' }, false],
    [{ type: 'slo.alert' }, false],
    [{ key: 'checkout', correlation: 'story' }, true],
    [{ key: 'checkout', correlation: 'other' }, false],
    [{ type: 'slo.*', key: 'other' }, false],
  ])('%j', (filter, matches) => {
    expect(matching(filter)(event)).toBe(matches);
  });
});

describe('a read that must show a version', () => {
  const read = (...versions: (number | undefined)[]) => {
    const answers = versions.map((version) => (version === undefined ? undefined : { version }));
    return async () => (answers.length > 1 ? answers.shift() : answers[0]);
  };
  const models = (caughtUp: boolean) => ({ current: jest.fn(async () => caughtUp) });

  test('does not wait when it does', async () => {
    const waiting = models(true);
    expect(await atLeast(waiting, 'it', 3, read(3))).toEqual({ version: 3 });
    expect(await atLeast(waiting, 'it', undefined, read(1))).toEqual({ version: 1 });
    expect(waiting.current).not.toHaveBeenCalled();
  });

  test('waits for what the log held', async () => {
    expect(await atLeast(models(true), 'it', 3, read(2, 3))).toEqual({ version: 3 });
    expect(await atLeast(models(true), 'it', 1, read(undefined, 1))).toEqual({ version: 1 });
    expect(await atLeast(models(true), 'it', undefined, read(undefined, 1))).toEqual({ version: 1 });
  });

  test.each<[number | undefined, (number | undefined)[], boolean, number]>([
    [undefined, [undefined], true, 404],
    [undefined, [undefined], false, 404],
    [1, [undefined, undefined], true, 404],
    [3, [2, 2], true, 409],
    [3, [2, 2], false, 503],
    [3, [undefined, undefined], false, 503],
  ])('asked for %s of %j (caught up: %s) is %s', async (minVersion, versions, caughtUp, status) => {
    await expect(atLeast(models(caughtUp), 'it', minVersion, read(...versions))).rejects.toMatchObject({
      problem: { status },
    });
  });
});
