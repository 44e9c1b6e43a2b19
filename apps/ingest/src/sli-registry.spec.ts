import { LogUnavailable, StreamExists } from '@bellwether/event-log';
import { describe, expect, test } from '@jest/globals';
import { LogBusy } from './log-busy.js';
import { Refusal } from './measurement/refusal.js';
import { type FirstMeasurement, SliRegistry } from './sli-registry.js';

const first: FirstMeasurement = {
  countsOnly: true,
  meta: { correlationId: 'c', causationId: null, actor: 'key:publisher', source: '/bellwether/ingest' },
  at: new Date(0),
};
const stream = 'sli:checkout/availability';

/** A control log of SLI definitions. */
class FakeLog {
  readonly defined = new Set<string>();
  readonly appended: { stream: string; data: unknown }[] = [];
  asked = 0;
  failure: Error | undefined;

  async streamVersion(of: string): Promise<number> {
    this.asked += 1;
    if (this.failure !== undefined) throw this.failure;
    return this.defined.has(of) ? 1 : 0;
  }

  async append(request: { stream: string; events: { data: unknown }[] }) {
    if (this.defined.has(request.stream)) throw new StreamExists({ stream: request.stream });
    this.defined.add(request.stream);
    this.appended.push({ stream: request.stream, data: request.events[0]?.data });
    return { firstPosition: 1, lastPosition: 1, version: 1, duplicate: false, events: [] };
  }
}

const registry = (log: FakeLog, strict = false) => new SliRegistry(log, { strict });

describe('SLIs', () => {
  test('are defined from their first measurement, once, with a unit that fits its kind', async () => {
    const log = new FakeLog();
    const slis = registry(log);
    await Promise.all([
      slis.ensure('checkout', 'availability', first),
      slis.ensure('checkout', 'availability', first),
    ]);
    await slis.ensure('checkout', 'latency', {
      ...first,
      countsOnly: false,
    });
    expect(log.appended).toEqual([
      { stream, data: { service: 'checkout', name: 'availability', description: '', unit: 'count' } },
      {
        stream: 'sli:checkout/latency',
        data: { service: 'checkout', name: 'latency', description: '', unit: 'none' },
      },
    ]);
  });

  test('that are known need no waiting and no question', async () => {
    const log = new FakeLog();
    log.defined.add(stream);
    const slis = registry(log);
    await slis.ensure('checkout', 'availability', first);
    expect(slis.ensure('checkout', 'availability', first)).toBeUndefined();
    expect(log.asked).toBe(1);
    expect(log.appended).toEqual([]);
  });

  test('that another instance defined at the same moment are known', async () => {
    const log = new FakeLog();
    const slis = registry(log);
    log.streamVersion = async () => {
      log.defined.add(stream);
      return 0;
    };
    await slis.ensure('checkout', 'availability', first);
    expect(slis.ensure('checkout', 'availability', first)).toBeUndefined();
  });

  test('that are unknown are refused where that is strict, until somebody defines them', async () => {
    const log = new FakeLog();
    const slis = registry(log, true);
    await expect(slis.ensure('checkout', 'availability', first)).rejects.toThrow(Refusal);
    await expect(slis.ensure('checkout', 'availability', first)).rejects.toMatchObject({
      reason: 'unknown-sli',
    });
    expect(log.appended).toEqual([]);
    log.defined.add(stream);
    await slis.ensure('checkout', 'availability', first);
  });

  test('cannot be asked for while the log is away: that passes', async () => {
    const log = new FakeLog();
    const slis = registry(log);
    log.failure = new LogUnavailable(stream);
    await expect(slis.ensure('checkout', 'availability', first)).rejects.toThrow(LogBusy);
    log.failure = undefined;
    await slis.ensure('checkout', 'availability', first);
    expect(log.appended).toHaveLength(1);
  });
});
