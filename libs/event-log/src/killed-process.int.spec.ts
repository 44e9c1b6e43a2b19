import { once } from 'node:events';
import path from 'node:path';
import { eventually, forkSource, startPostgres } from '@bellwether/testing';
import { describe, expect, test } from '@jest/globals';
import { EventLog } from './index.js';
import { event, positions } from './testing/events.fixture.js';
import { ownServer, query } from './testing/own-server.fixture.js';

const WHILE_A_PROCESS_STARTS = { timeoutMs: 30_000 };
const FIXTURES = path.join(import.meta.dirname, 'testing');
const server = ownServer(() => startPostgres());

/** Every command is in the log exactly once, whole, and the log verifies. */
async function expectExactlyOnce(url: string, commands: number, eventsOfEach: number): Promise<void> {
  const log = EventLog.open({ connectionString: url });
  const events = await log.readJournal('control', { after: 0, limit: 100_000 });
  expect(positions(events)).toEqual(events.map((_, i) => i + 1));
  const times = new Map<unknown, number>();
  for (const { data } of events) {
    const { name } = data as { name: unknown };
    times.set(name, (times.get(name) ?? 0) + 1);
  }
  expect(times.size).toBe(commands);
  expect([...new Set(times.values())]).toEqual([eventsOfEach]);
  expect(await log.verify({ expected: ['control'] })).toMatchObject({ ok: true });
  await log.close();
}

describe('a process that is killed', () => {
  test.each(['gathered', 'connected', 'answered', 'settled'])(
    'at "%s" of an append',
    async (step) => {
      const url = await server.database(`killed_${step}`);
      const told = new Map<number, number>();
      const run = async (at: number) => {
        const child = forkSource(path.join(FIXTURES, 'appender-process.fixture.ts'), {
          args: [url, '1', '40', step, String(at)],
        });
        child.on('message', ({ command, firstPosition }: { command: number; firstPosition: number }) => {
          // What was promised once stays true: the command is answered with the same position by every later process.
          expect(told.get(command) ?? firstPosition).toBe(firstPosition);
          told.set(command, firstPosition);
        });
        const [code, signal] = await once(child, 'exit');
        return signal ?? code;
      };
      expect(await run(2)).toBe('SIGKILL');
      expect(await run(5)).toBe('SIGKILL');
      expect(await run(0)).toBe(0);
      expect(told.size).toBe(40);
      await expectExactlyOnce(url, 40, 2);
    },
    60_000,
  );

  test.each([
    ['leading', 1],
    ['resumed', 1],
    ['read', 2],
    ['publishing', 4],
    ['publishing', 6],
    ['published', 2],
    ['noted', 2],
  ])(
    'at "%s" of a relay (%i.)',
    async (step, times) => {
      const url = await server.database(`relay_${step}_${times}`);
      await query(
        url,
        'create table copied (seq serial primary key, id uuid not null, position int not null)',
      );
      const log = EventLog.open({ connectionString: url });
      const append = () =>
        log.append({
          journal: 'control',
          stream: 's',
          expectedVersion: 'any',
          events: Array.from({ length: 10 }, () => event()),
        });
      await append();
      const start = (at: number) =>
        forkSource(path.join(FIXTURES, 'relay-process.fixture.ts'), { args: [url, step, String(at)] });
      for (let run = 0; run < 2; run += 1) {
        const [, signal] = await once(start(times), 'exit');
        expect(signal).toBe('SIGKILL');
        await append();
      }
      const last = start(0);
      await eventually(async () => {
        const [row] = await query<{ last: number }>(url, 'select max(position) as last from copied');
        expect(row!.last).toBe(30);
      }, WHILE_A_PROCESS_STARTS);
      last.send('stop');
      await once(last, 'exit');
      // Repeats are what "at least once" allows; a reader that drops what it has seen sees each, in order.
      const copied = await query<{ position: number }>(url, 'select position from copied order by seq');
      let seen = 0;
      for (const { position } of copied) {
        expect(position).toBeLessThanOrEqual(seen + 1);
        seen = Math.max(seen, position);
      }
      expect(seen).toBe(30);
      await log.close();
    },
    60_000,
  );
});
