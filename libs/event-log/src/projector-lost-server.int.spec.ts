import { eventually, startPostgres } from '@bellwether/testing';
import { expect, test } from '@jest/globals';
import { EventLog, type Projection, Projector } from './index.js';
import { event } from './testing/events.fixture.js';
import { ownServer, query } from './testing/own-server.fixture.js';

// What a projection commits reaches the disk with the WAL writer: here so late that a kill always loses it.
const server = ownServer(() => startPostgres({ settings: { wal_writer_delay: '10000ms' } }));

const names: Projection = {
  name: 'names',
  version: 1,
  create: async (tx, schema) => {
    await tx.query(`create table ${schema}.names (position bigint primary key, name text not null)`);
  },
  apply: async (tx, { position, data }, schema) => {
    await tx.query(`insert into ${schema}.names values ($1, $2)`, [
      position,
      (data as { name: string }).name,
    ]);
  },
};

test('a killed server loses the last rows of a projection, which come back without another event', async () => {
  const url = await server.database('lost_rows');
  const log = EventLog.open({ connectionString: url });
  const projector = new Projector(log, { owner: 'test', projections: [names] });
  try {
    await projector.start();
    const rows = () =>
      query<{ name: string }>(
        url,
        `select name from ${projector.schemaOf('names')}.names order by position`,
      ).then((all) => all.map(({ name }) => name));
    // The tables themselves are made for good.
    await query(url, 'checkpoint');
    for (const name of ['a', 'b', 'c']) {
      await log.append({
        journal: 'control',
        stream: 'names:1',
        expectedVersion: 'any',
        events: [event(name)],
      });
    }
    expect(await projector.waitFor(3, 10_000)).toBe(true);
    await server.postgres.kill();
    await server.postgres.start();
    // The rows were lost indeed, or this would show nothing.
    await eventually(async () => expect(await rows()).toEqual(['a', 'b', 'c']), { timeoutMs: 20_000 });
    expect(projector.position('names')).toBe(3);
  } finally {
    await projector.stop();
    await log.close();
  }
}, 60_000);
