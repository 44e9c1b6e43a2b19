import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EventLog, migrate } from '@bellwether/event-log';
import type { TestPostgres } from '@bellwether/testing';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { uuidv7 } from 'uuidv7';
import { dataOf, durablePostgres, eventOf, META } from './log.js';
import { compare, perSecond, type Result } from './measure.js';

/** A table like a leaf of the log, indexes included, for the references to write into. */
async function likeTheLog(client: pg.Client, name: string): Promise<void> {
  const { rows } = await client.query<{ table_name: string }>(
    `select table_name from log.segments where journal = 'control' order by first_position limit 1`,
  );
  const leaf = rows[0]?.table_name.replace(/^(log[.])?/, 'log.');
  await client.query(
    `create schema if not exists bench; drop table if exists bench.${name}; create table bench.${name} (like ${leaf} including all)`,
  );
}

export async function appendBench(): Promise<Result[]> {
  const postgres = await durablePostgres();
  const client = new pg.Client(postgres.url());
  try {
    await migrate(postgres.url());
    await client.connect();
    return [await batches(postgres, client), await singles(postgres, client)];
  } finally {
    await client.end();
    await postgres.stop();
  }
}

/** Batches of 100 events over 64 streams against COPY of the same rows. */
async function batches(postgres: TestPostgres, client: pg.Client): Promise<Result> {
  const EVENTS = 60_000;
  const log = EventLog.open({ connectionString: postgres.url() });
  try {
    const ours = async (round: number) => {
      const queue = Array.from({ length: EVENTS / 100 }, (_, batch) => batch);
      const caller = async () => {
        for (let batch = queue.pop(); batch !== undefined; batch = queue.pop()) {
          await log.append({
            journal: 'control',
            stream: `bench:${round}-${batch % 64}`,
            expectedVersion: 'any',
            events: Array.from({ length: 100 }, (_, i) => eventOf(i)),
          });
        }
      };
      await Promise.all(Array.from({ length: 32 }, caller));
    };
    const reference = async () => {
      await likeTheLog(client, 'copied');
      const stream = client.query(copyFrom(`copy bench.copied from stdin`));
      await pipeline(Readable.from(copyRows(EVENTS)), stream);
    };
    const { ours: o, reference: r, ratio } = await compare(3, EVENTS, ours, reference);
    return {
      what: 'append, batches of 100 events',
      ours: perSecond(o),
      reference: `COPY ${perSecond(r)}`,
      ratio,
      goal: '≥ 0.35 (aim 0.5)',
      met: ratio >= 0.35,
    };
  } finally {
    await log.close();
  }
}

function* copyRows(count: number): Generator<string> {
  const now = new Date().toISOString();
  const meta = JSON.stringify(META);
  const hash = `\\\\x${'ab'.repeat(32)}`;
  for (let i = 1; i <= count; i++) {
    yield `control\t${i}\t${uuidv7()}\tbench:${i % 64}\t${i}\tincident.note-added\t1\t${JSON.stringify(dataOf(i))}\t${meta}\t${now}\t${now}\t${hash}\n`;
  }
}

/** Single events from 512 concurrent callers against plain INSERT transactions over 8 connections. */
async function singles(postgres: TestPostgres, client: pg.Client): Promise<Result> {
  const EVENTS = 20_000;
  const log = EventLog.open({ connectionString: postgres.url() });
  const pool = new pg.Pool({ connectionString: postgres.url(), max: 8 });
  try {
    const ours = async (round: number) => {
      let next = 0;
      const caller = async (n: number) => {
        while (next < EVENTS) {
          next++;
          await log.append({
            journal: 'control',
            stream: `single:${round}-${n}`,
            expectedVersion: 'any',
            events: [eventOf(next)],
          });
        }
      };
      await Promise.all(Array.from({ length: 512 }, (_, n) => caller(n)));
    };
    const reference = async () => {
      await likeTheLog(client, 'inserted');
      let next = 0;
      const caller = async () => {
        while (next < EVENTS) {
          const i = ++next;
          await pool.query({
            name: 'bench-insert',
            text: 'insert into bench.inserted values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)',
            values: [
              'control',
              i,
              uuidv7(),
              `single:${i % 512}`,
              i,
              'incident.note-added',
              1,
              JSON.stringify(dataOf(i)),
              JSON.stringify(META),
              new Date(),
              new Date(),
              Buffer.alloc(32),
            ],
          });
        }
      };
      await Promise.all(Array.from({ length: 8 }, caller));
    };
    const { ours: o, reference: r, ratio } = await compare(3, EVENTS, ours, reference);
    return {
      what: 'append, single events, 512 callers',
      ours: perSecond(o),
      reference: `INSERT ${perSecond(r)}`,
      ratio,
      goal: '≥ 3',
      met: ratio >= 3,
    };
  } finally {
    await pool.end();
    await log.close();
  }
}
