import { eventually, startPostgres } from '@bellwether/testing';
import { expect, test } from '@jest/globals';
import { EventLog, LogUnavailable, OutcomeUnknown } from './index.js';
import { event } from './testing/events.fixture.js';
import { ownServer } from './testing/own-server.fixture.js';

const server = ownServer(() => startPostgres());

test('Postgres is killed and restarted under load: what was promised is there, once', async () => {
  const url = await server.database('under_load');
  const log = EventLog.open({ connectionString: url });
  const acknowledged = new Set<string>();
  const unknown = new Set<string>();
  let over = false;
  let commands = 0;
  const caller = async (name: number) => {
    for (let i = 0; !over; i += 1) {
      const command = `${name}:${i}`;
      commands += 1;
      try {
        await log.append({
          journal: 'control',
          stream: `load:${name}`,
          expectedVersion: 'any',
          events: [event(command)],
        });
        acknowledged.add(command);
      } catch (error) {
        if (error instanceof OutcomeUnknown) unknown.add(command);
        else if (!(error instanceof LogUnavailable)) throw error;
      }
    }
  };
  const callers = Array.from({ length: 16 }, (_, i) => caller(i));
  for (let round = 0; round < 4; round += 1) {
    const { size } = acknowledged;
    await eventually(() => expect(acknowledged.size).toBeGreaterThan(size + 200));
    if (round % 2 === 0) {
      await server.postgres.kill();
      await server.postgres.start();
    } else {
      await server.postgres.restart();
    }
  }
  over = true;
  await Promise.all(callers);
  const there = new Map<string, number>();
  for (let after = 0; ; ) {
    const page = await log.readJournal('control', { after });
    for (const { data } of page) {
      const { name } = data as { name: string };
      there.set(name, (there.get(name) ?? 0) + 1);
    }
    if (page.length === 0) break;
    after = page.at(-1)!.position;
  }
  expect([...there.values()].filter((times) => times !== 1)).toEqual([]);
  expect([...acknowledged].filter((command) => !there.has(command))).toEqual([]);
  expect([...there.keys()].filter((command) => !acknowledged.has(command) && !unknown.has(command))).toEqual(
    [],
  );
  expect(commands).toBeGreaterThan(800);
  expect(await log.verify({ expected: ['control'] })).toMatchObject({ ok: true });
  await log.close();
}, 120_000);
