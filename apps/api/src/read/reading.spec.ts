import type { EventEnvelope } from '@bellwether/contracts';
import type { ParkedKey } from '@bellwether/event-log';
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
  const place = { model: 'things', key: 'it' };
  const models = (caughtUp: boolean, parked?: ParkedKey) => ({
    current: jest.fn(async () => caughtUp),
    parked: (model: string, key: string) => (model === place.model && key === place.key ? parked : undefined),
  });

  test('does not wait when it does', async () => {
    const waiting = models(true);
    expect(await atLeast(waiting, 'it', 3, read(3), place)).toEqual({ version: 3 });
    expect(await atLeast(waiting, 'it', undefined, read(1), place)).toEqual({ version: 1 });
    expect(waiting.current).not.toHaveBeenCalled();
  });

  test('waits for what the log held', async () => {
    expect(await atLeast(models(true), 'it', 3, read(2, 3), place)).toEqual({ version: 3 });
    expect(await atLeast(models(true), 'it', 1, read(undefined, 1), place)).toEqual({ version: 1 });
    expect(await atLeast(models(true), 'it', undefined, read(undefined, 1), place)).toEqual({ version: 1 });
  });

  test.each<[number | undefined, (number | undefined)[], boolean, number]>([
    [undefined, [undefined], true, 404],
    [undefined, [undefined], false, 404],
    [1, [undefined, undefined], true, 404],
    [3, [2, 2], true, 409],
    [3, [2, 2], false, 503],
    [3, [undefined, undefined], false, 503],
  ])('asked for %s of %j (caught up: %s) is %s', async (minVersion, versions, caughtUp, status) => {
    await expect(atLeast(models(caughtUp), 'it', minVersion, read(...versions), place)).rejects.toMatchObject(
      {
        problem: { status },
      },
    );
  });

  test('of a key that is parked is the last state that there is, or 503 with what it stands before', async () => {
    const stuck = models(true, { key: 'it', position: 12, error: 'no title' });
    expect(await atLeast(stuck, 'it', undefined, read(2), place)).toEqual({ version: 2 });
    expect(await atLeast(stuck, 'it', 2, read(2), place)).toEqual({ version: 2 });
    for (const [minVersion, version] of [
      [3, 2],
      [undefined, undefined],
      [1, undefined],
    ] as const)
      await expect(atLeast(stuck, 'it', minVersion, read(version), place)).rejects.toMatchObject({
        problem: { status: 503, detail: expect.stringMatching(/event 12 \(no title\).*rebuild things/) },
      });
    await expect(
      atLeast(stuck, 'other', undefined, read(undefined), { model: 'things', key: 'other' }),
    ).rejects.toMatchObject({ problem: { status: 404 } });
  });
});
