import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { publishOverNats } from '@bellwether/client';
import { CONTROL_JOURNAL, LogStreams, sloDefinition } from '@bellwether/contracts';
import { EventLog } from '@bellwether/event-log';
import { checkout, findProgram, type LocalSystem, readRunRecord, startLocal } from '@bellwether/local';
import { freePort, guard, temporaryFolder } from '@bellwether/testing';
import { META } from './log.js';
import type { Result } from './measure.js';
import { type Cost, costOf } from './process-cost.js';
import { scrape } from './scrape.js';

const SLOS = 1_000;
/** Each service is measured this often. */
const EVERY_MS = 15_000;
/** How long both work before it counts, and how long it counts. */
const WARM_MS = 45_000;
const COUNTED_MS = 120_000;
/** Sloth's example, as Sloth generated the rules of it. */
const SLOTH = path.resolve(checkout, '../shared/data/sloth/_gen/getting-started.yml');

/**
 * The same work by both: 1,000 SLOs over counts of a request rate, with the four alerts of the SRE workbook, measured
 * every 15 seconds. Neither has a past: what 30 days of it cost is not in these numbers.
 */
export async function besidePrometheusBench(): Promise<Result[]> {
  const program = findProgram('prometheus');
  if (program === null || !existsSync(SLOTH)) {
    console.error(
      'left out: it needs Prometheus (Debian: package prometheus) and the rules that Sloth generated',
    );
    return [];
  }
  const theirs = await prometheus(program);
  const { evaluator, system } = await bellwether();
  const line = (what: string, ours: number, reference: number, unit: string): Result => ({
    what: `1,000 SLOs for two minutes: ${what}`,
    ours: `${ours.toFixed(1)} ${unit}`,
    reference: `Prometheus, Sloth's rules ${reference.toFixed(1)} ${unit}`,
    ratio: ours / reference,
    goal: 'measured',
    met: true,
  });
  const mib = ({ bytes }: Cost) => bytes / 2 ** 20;
  return [
    line('CPU of the evaluator', evaluator.cpuSeconds, theirs.cpuSeconds, 's'),
    line('CPU of the whole system, with its log', system.cpuSeconds, theirs.cpuSeconds, 's'),
    line('memory of the evaluator', mib(evaluator), mib(theirs), 'MiB'),
    line('memory of the whole system, with its log', mib(system), mib(theirs), 'MiB'),
  ];
}

const name = (i: number): string => `service-${i}`;
const rest = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis));

/** What a stretch of work cost: processor time within it, memory at its end. */
async function measured(cost: () => Cost): Promise<Cost> {
  await rest(WARM_MS);
  const before = cost();
  await rest(COUNTED_MS);
  const after = cost();
  return { cpuSeconds: after.cpuSeconds - before.cpuSeconds, bytes: after.bytes };
}

async function prometheus(program: string): Promise<Cost> {
  const folder = path.join(temporaryFolder('bench-prometheus'), 'server');
  mkdirSync(folder, { recursive: true });
  const began = Date.now();
  const shop = createServer((_request, response) => {
    // 80 requests a second of each service, one in a thousand of them bad.
    const requests = Math.round(((Date.now() - began) / 1000) * 80);
    const metric = 'http_request_duration_seconds_count';
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
    response.write(`# TYPE ${metric} counter\n`);
    for (let i = 0; i < SLOS; i++) {
      const bad = Math.floor(requests / 1000);
      response.write(`${metric}{job="${name(i)}",code="200"} ${requests - bad}\n`);
      response.write(`${metric}{job="${name(i)}",code="500"} ${bad}\n`);
    }
    response.end();
  });
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  const seconds = `${EVERY_MS / 1000}s`;
  const template = readFileSync(SLOTH, 'utf8');
  const groups = template.slice(template.indexOf('groups:') + 'groups:'.length);
  const rules = Array.from({ length: SLOS }, (_, i) => groups.replaceAll('myservice', name(i)));
  writeFileSync(path.join(folder, 'rules.yml'), `groups:${rules.join('')}`);
  writeFileSync(
    path.join(folder, 'prometheus.yml'),
    `global: { scrape_interval: ${seconds}, evaluation_interval: ${seconds} }
rule_files: [rules.yml]
scrape_configs:
  - job_name: shop
    honor_labels: true
    static_configs: [{ targets: ["127.0.0.1:${(shop.address() as AddressInfo).port}"] }]
`,
  );
  const address = `127.0.0.1:${await freePort()}`;
  const server = await guard().spawn({
    file: program,
    args: [
      `--config.file=${path.join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    cwd: folder,
    log: path.join(folder, 'log'),
  });
  try {
    const cost = await measured(() => costOf([server.pid]));
    const answer = await fetch(`http://${address}/api/v1/query?query=count(slo:sli_error:ratio_rate5m)`);
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
    if (Number(data.result[0]?.value[1]) !== SLOS) throw new Error('Prometheus did not evaluate all SLOs');
    return cost;
  } finally {
    server.signal('SIGKILL');
    await server.exited;
    shop.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bellwether(): Promise<{ evaluator: Cost; system: Cost }> {
  const dataDir = path.join(temporaryFolder('bench-beside'), 'data');
  const system = await startLocal({
    dataDir,
    env: { BELLWETHER_LOG_LEVEL: 'warn' },
    readyTimeoutMs: 120_000,
  });
  const log = EventLog.open({ connectionString: system.databaseUrl });
  const publisher = await publishOverNats({ servers: system.natsUrl(), source: '/bench' });
  const publish = () => {
    for (let i = 0; i < SLOS; i++) {
      void publisher.publish(name(i), 'availability', { bad: 1, total: (EVERY_MS / 1000) * 80 });
    }
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.all(
      Array.from({ length: SLOS }, (_, i) => {
        const slo = sloDefinition.parse({
          name: `slo-${i}`,
          service: name(i),
          sli: 'availability',
          objective: 0.999,
          indicator: { kind: 'ratio' },
          budgeting: { method: 'occurrences' },
          window: { rolling: '30d' },
        });
        const event = { type: 'slo.defined', schema: 1, data: slo, meta: META, occurredAt: new Date() };
        return log.append({
          journal: CONTROL_JOURNAL,
          stream: LogStreams.slo(slo.name),
          expectedVersion: 'no-stream',
          events: [event],
        });
      }),
    );
    publish();
    timer = setInterval(publish, EVERY_MS);
    const evaluators: Cost[] = [];
    const whole = await measured(() => {
      evaluators.push(costOf([serviceOf(system, 'evaluator').pid as number]));
      return costOf(pids(dataDir));
    });
    const [before, after] = evaluators as [Cost, Cost];
    const seen = await scrape(serviceOf(system, 'evaluator').adminPort as number);
    if ((seen.get('evaluator_points_total') ?? 0) < SLOS * Math.floor(COUNTED_MS / EVERY_MS))
      throw new Error('the evaluator did not count all points');
    return {
      evaluator: { cpuSeconds: after.cpuSeconds - before.cpuSeconds, bytes: after.bytes },
      system: whole,
    };
  } finally {
    clearInterval(timer);
    await publisher.close();
    await log.close();
    await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function serviceOf(system: LocalSystem, wanted: string) {
  const found = system.services().find((service) => service.name === wanted);
  if (found?.pid === undefined || found.adminPort === undefined) throw new Error(`${wanted} does not run`);
  return found;
}

/** Every process of the run: the services, and the guard, whose children Postgres and NATS are. */
function pids(dataDir: string): number[] {
  const record = readRunRecord(path.join(dataDir, 'run.json'));
  if (record === null || record.guard === null)
    throw new Error('the run does not say what its processes are');
  const { services, guard: parent } = record;
  return [...new Set([...Object.values(services), parent].map(({ pid }) => pid))];
}
