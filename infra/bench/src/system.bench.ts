import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { publishOverNats } from '@bellwether/client';
import type { LocalSystem } from '@bellwether/local';
import { natsAddress, startAsUser, temporaryFolder, WebhookReceiver } from '@bellwether/testing';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { median, perSecond, quantile, type Result, seconds } from './measure.js';
import { readModelsBench } from './read-models.bench.js';

/** Everything that is measured on a running system of real processes. */
export async function systemBench(): Promise<Result[]> {
  const dataDir = path.join(temporaryFolder('bench'), 'data');
  const start = () => startAsUser(dataDir, {}, () => {});
  let system = await start();
  await system.stop();
  // The second start is what a user waits for every day: the dependencies are installed, the data folder exists.
  const starts: number[] = [];
  for (let i = 0; i < 3; i++) {
    starts.push(
      await seconds(async () => {
        system = await start();
      }),
    );
    if (i < 2) await system.stop();
  }
  try {
    const took = median(starts);
    return [
      {
        what: '`npm start` to ready',
        ours: `${took.toFixed(1)} s`,
        reference: '15 s',
        ratio: took / 15,
        goal: '≤ 1',
        met: took <= 15,
      },
      await ingest(system),
      ...(await publishToPage(system)),
      ...(await readModelsBench(system)),
    ];
  } finally {
    await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const POINTS = 100;

function bodyOf(i: number): string {
  const now = Date.now() - 60_000;
  return JSON.stringify({
    points: Array.from({ length: POINTS }, (_, k) => ({
      at: new Date(now + k).toISOString(),
      good: 990 + ((i + k) % 10),
      total: 1000,
    })),
  });
}

/** Ingest over NATS, 100 points a message, against JSON.parse + COPY of the same messages, a row each. */
async function ingest(system: LocalSystem): Promise<Result> {
  const MESSAGES = 6_000;
  const client = new pg.Client(system.databaseUrl);
  await client.connect();
  const nc = await connect(natsAddress(system.natsUrl()));
  const js = jetstream(nc);
  const recorded = async () =>
    Number(
      (
        await client.query(
          `select coalesce(sum(position), 0) as n from log.head where journal like 'measurement-%'`,
        )
      ).rows[0].n,
    );
  const rates = { ours: [] as number[], reference: [] as number[] };
  try {
    for (let round = 0; round < 4; round++) {
      const bodies = Array.from({ length: MESSAGES }, (_, i) => bodyOf(i));
      const before = await recorded();
      // The queue is filled while ingest stands still: its own speed is what is measured, not the publisher's.
      system.kill('ingest', 'SIGSTOP');
      for (let i = 0; i < MESSAGES; i += 200) {
        await Promise.all(
          bodies
            .slice(i, i + 200)
            .map((body, k) =>
              js.publish(`sli.bench-${(i + k) % 32}.availability`, body, { msgID: randomUUID() }),
            ),
        );
      }
      const took = await seconds(async () => {
        system.kill('ingest', 'SIGCONT');
        while ((await recorded()) - before < MESSAGES)
          await new Promise((resolve) => setTimeout(resolve, 10));
      });
      await client.query(
        'create schema if not exists bench; drop table if exists bench.messages; create table bench.messages (id bigint primary key, service text not null, data json not null, at timestamptz not null)',
      );
      const reference = await seconds(async () => {
        const rows = bodies.map((body, i) => {
          const { points } = JSON.parse(body) as { points: unknown[] };
          if (points.length !== POINTS) throw new Error('not the message');
          return `${i}\tbench\t${body}\t${new Date().toISOString()}\n`;
        });
        await pipeline(Readable.from(rows), client.query(copyFrom('copy bench.messages from stdin')));
      });
      if (round === 0) continue;
      rates.ours.push((MESSAGES * POINTS) / took);
      rates.reference.push((MESSAGES * POINTS) / reference);
    }
  } finally {
    await nc.close();
    await client.end();
  }
  const ours = median(rates.ours);
  const reference = median(rates.reference);
  return {
    what: 'ingest over NATS, durable, 100 points a message',
    ours: `${perSecond(ours)} points`,
    reference: `parse + COPY ${perSecond(reference)}`,
    ratio: ours / reference,
    goal: '≥ 0.4',
    met: ours / reference >= 0.4,
  };
}

/** From `publish` to the webhook of the person on call, with 100 SLOs defined and fed. */
async function publishToPage(system: LocalSystem): Promise<Result[]> {
  const SLOS = 100;
  const receiver = await WebhookReceiver.start();
  const put = async (route: string, body: unknown) => {
    const response = await fetch(`${system.apiUrl}${route}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${system.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${route}: ${await response.text()}`);
  };
  const publisher = await publishOverNats({ servers: system.natsUrl(), lingerMs: 0, source: '/bench' });
  try {
    await put('/v1/users/ada', {
      name: 'ada',
      contactMethods: [{ id: 'hook', kind: 'webhook', address: receiver.url('/ada'), verified: true }],
      rules: [{ urgency: 'high', afterMinutes: 0, method: 'hook' }],
    });
    await put('/v1/policies/bench', {
      name: 'bench',
      steps: [{ targets: [{ kind: 'user', name: 'ada' }], timeoutMinutes: 60 }],
    });
    for (let i = 0; i < SLOS; i++) {
      await put(`/v1/services/page-${i}`, { name: `page-${i}`, escalationPolicy: 'bench' });
      await put(`/v1/slos/page-${i}`, {
        name: `page-${i}`,
        service: `page-${i}`,
        sli: 'availability',
        objective: 0.999,
        indicator: { kind: 'ratio' },
        budgeting: { method: 'occurrences' },
        window: { rolling: '30d' },
        escalationPolicy: 'bench',
      });
    }
    const warm = Date.now();
    await Promise.all(
      Array.from({ length: SLOS }, (_, i) =>
        publisher.publish(
          `page-${i}`,
          'availability',
          Array.from({ length: 30 }, (_, k) => ({
            at: new Date(warm - k * 60_000).toISOString(),
            good: 1000,
            total: 1000,
          })),
        ),
      ),
    );
    const latencies: number[] = [];
    for (let i = 0; i < SLOS; i++) {
      const before = receiver.requests.length;
      const began = performance.now();
      void publisher.publish(`page-${i}`, 'availability', { bad: 20_000, total: 20_000 });
      await receiver.received(before + 1, 20_000);
      latencies.push(performance.now() - began);
    }
    // The first pages warm up the path: code is compiled, connections are opened.
    const warmed = latencies.slice(10);
    const line = (name: string, share: number, bound: number): Result => {
      const value = quantile(warmed, share);
      return {
        what: `publish → webhook, 100 SLOs, ${name}`,
        ours: `${value.toFixed(0)} ms`,
        reference: `${bound} ms`,
        ratio: value / bound,
        goal: '≤ 1',
        met: value <= bound,
      };
    };
    return [line('p50', 0.5, 150), line('p99', 0.99, 500)];
  } finally {
    await publisher.close();
    await receiver.stop();
  }
}
