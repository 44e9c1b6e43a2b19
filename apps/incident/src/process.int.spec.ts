import { once } from 'node:events';
import path from 'node:path';
import { eventually, forkSource } from '@bellwether/testing';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Rehearsal } from './testing/rehearsal.fixture.js';

jest.setTimeout(240_000);

let stage: Rehearsal;
afterEach(() => stage?.stop());

const started = () =>
  forkSource(path.join(import.meta.dirname, 'main.ts'), {
    env: { DATABASE_URL: stage.database.url, NATS_URL: stage.nats.url, BELLWETHER_LOG_LEVEL: 'error' },
  });

describe('the service as a process', () => {
  test('says when it is ready, and ends by itself on SIGTERM', async () => {
    stage = await Rehearsal.start(0);
    const process = started();
    const [message] = await once(process, 'message');
    expect(message).toMatchObject({ type: 'ready', adminPort: expect.any(Number) });
    const health = await fetch(`http://127.0.0.1:${(message as { adminPort: number }).adminPort}/readyz`);
    expect(health.status).toBe(200);
    expect(await stage.does('declare', { title: 'by hand', severity: 'sev4' })).toMatchObject({
      id: 'INC-1',
    });
    process.kill('SIGTERM');
    expect(await once(process, 'exit')).toEqual([0, null]);
  });

  test('killed again and again in the middle of a storm declares each incident once, without gaps', async () => {
    stage = await Rehearsal.start(0);
    stage.clock.set(Date.now());
    const alerts = Array.from({ length: 40 }, (_, i) => ({ slo: `slo-${i}`, service: `service-${i % 20}` }));
    for (const alert of alerts) await stage.alertFires(alert);
    // Killed as soon as it has done something: in the middle of a transaction that holds many events.
    for (let kills = 0, seen = 0; kills < 5; kills++) {
      const process = started();
      const exited = once(process, 'exit');
      await eventually(
        async () => {
          const now = (await stage.incidents()).length;
          if (now <= seen && now < 20) throw new Error(`still ${now} incidents`);
          seen = now;
        },
        { timeoutMs: 60_000 },
      );
      process.kill('SIGKILL');
      await exited;
    }
    const last = started();
    await stage.settled();
    last.kill('SIGTERM');
    await once(last, 'exit');

    const incidents = await stage.incidents();
    expect(incidents.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => `INC-${i + 1}`));
    expect(incidents.map(({ services }) => services[0]).sort()).toEqual(
      [...new Set(alerts.map(({ service }) => service))].sort(),
    );
    expect(incidents.flatMap(({ alerts: attached }) => attached.map(({ name }) => name)).sort()).toEqual(
      alerts.map(({ slo }) => slo).sort(),
    );
    expect((await stage.log.verify()).ok).toBe(true);
  });
});
