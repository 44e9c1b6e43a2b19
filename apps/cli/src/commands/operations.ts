import { spawn } from 'node:child_process';
import path from 'node:path';
import { EventLog } from '@bellwether/event-log';
import type { Command } from 'commander';
import pc from 'picocolors';
import { CliError, ExitCode } from '../errors.js';
import { fields, table } from '../output.js';
import { all, type OpenSession, present, render, type Session, shown, WATCH, warn } from './command.js';
import { tokenColumns } from './get.js';

interface ParkedKey {
  service: string;
  consumer: string;
  key: string;
  /** Event type, or the subject of a message. */
  type: string;
  events: number;
  position: number;
  error: string | null;
  parkedAt: string;
}

/** `up`, `log verify`, `dlq`, `rebuild`, `token`, `system`. */
export function operationCommands(program: Command, open: OpenSession): void {
  program
    .command('up')
    .description('start everything on this machine, as "npm start" does')
    .action(async () => {
      const root = path.resolve(import.meta.dirname, '../../../..');
      const child = spawn(process.execPath, [path.join(root, 'infra/local/bin/start.mjs')], {
        stdio: 'inherit',
      });
      // Ctrl-C reaches the child too (same terminal); it is the one that stops in order.
      process.on('SIGINT', () => {});
      process.on('SIGTERM', () => child.kill('SIGTERM'));
      process.exitCode = await new Promise<number>((resolve) =>
        child.on('exit', (code) => resolve(code ?? 1)),
      );
    });

  program
    .command('log')
    .description('the append-only log itself')
    .command('verify')
    .option('--journal <name...>', 'only these journals')
    .description('recompute the hash chain, straight from Postgres (--database-url or DATABASE_URL)')
    .action(async (options: { journal?: string[] }, command: Command) => {
      const session = open(command);
      const { databaseUrl } = session.context;
      if (!databaseUrl)
        throw new CliError(
          'which database? Set DATABASE_URL or --database-url (a local run is found by its .bellwether folder)',
          ExitCode.usage,
        );
      const log = EventLog.open({ name: 'cli', connectionString: databaseUrl, poolSize: 2 });
      try {
        const report = await log.verify(options.journal ? { journals: options.journal } : {});
        present(session, report, (r) =>
          table(
            [
              { head: 'JOURNAL', cell: (j) => j.journal },
              { head: 'EVENTS', cell: (j) => j.checked },
              { head: 'HEAD', cell: (j) => j.head },
              {
                head: 'CHAIN',
                cell: (j) =>
                  j.bad === null
                    ? pc.green('verified')
                    : pc.red(`broken at ${j.bad.position}: ${j.bad.reason}`),
              },
            ],
            r.journals,
          ),
        );
        if (!report.ok)
          throw new CliError('the log has been changed: see the positions above', ExitCode.failed);
      } finally {
        await log.close();
      }
    });

  const dlq = program.command('dlq').description('events and measurements that could not be handled');
  dlq
    .command('list')
    .description('parked keys of every service, refused measurements, and what subscribers gave up on')
    .option(...WATCH)
    .action(async ({ watch }: { watch?: true }, command: Command) => {
      const session = open(command);
      let told = 0;
      await shown(session, watch, async () => {
        let notListed = 0;
        const parked = await all<ParkedKey>(session, '/v1/system/dead-letters', (page) => {
          notListed = (page as { notListed?: number }).notListed ?? 0;
        });
        // Beside what is printed for programs too: they would take the list for all there is.
        if (notListed > 0 && notListed !== told)
          session.output.err(
            `${pc.yellow('warning')}: ${notListed} more are not listed; they show when earlier ones are retried or gone`,
          );
        told = notListed;
        return render(session, parked, (list) =>
          list.length === 0
            ? 'nothing is parked'
            : table(
                [
                  { head: 'SERVICE', cell: (r) => r.service },
                  { head: 'CONSUMER', cell: (r) => r.consumer },
                  { head: 'KEY', cell: (r) => r.key },
                  { head: 'WHAT', cell: (r) => r.type },
                  { head: 'EVENTS', cell: (r) => r.events },
                  { head: 'FIRST POSITION', cell: (r) => r.position },
                  { head: 'SINCE', cell: (r) => r.parkedAt },
                  { head: 'ERROR', cell: (r) => r.error },
                ],
                list,
              ),
        );
      });
    });
  dlq
    .command('retry')
    .argument('<service>')
    .argument('<key>')
    .description('replay what is parked under a key, in order')
    .action(async (service: string, key: string, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.post<{ replayed: number; remaining: number; error?: string }>(
        `/v1/system/dead-letters/${encodeURIComponent(service)}/retry`,
        { key },
      );
      present(
        session,
        body,
        (r) => `replayed ${r.replayed}, remaining ${r.remaining}${r.error ? `: ${r.error}` : ''}`,
      );
      if (body.remaining > 0)
        throw new CliError(`${body.remaining} events of ${key} are still parked`, ExitCode.failed);
    });

  program
    .command('rebuild')
    .argument('[name]', `a projection of "bellwether system", or ${BUCKETS}; without it: all of them`)
    .description('rebuild read models and buckets from the log, beside the old ones; reads go on meanwhile')
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.get<SystemView>('/v1/system');
      const rebuilt: string[] = [];
      for (const one of name ? [name] : [...body.projections.map((p) => p.name), BUCKETS]) {
        await session.http.post(
          one === BUCKETS
            ? '/v1/system/buckets/rebuild'
            : `/v1/system/projections/${encodeURIComponent(one)}/rebuild`,
        );
        await progress(session, one);
        if (session.context.output === 'table') session.output.out(`${one}: rebuilt`);
        rebuilt.push(one);
      }
      if (session.context.output !== 'table') present(session, { rebuilt }, () => '');
    });

  program
    .command('system')
    .description('positions of the log and of what is derived from it, and which services answer')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.get<SystemView>('/v1/system');
      present(session, body, (s) =>
        [
          fields([
            ['Log head', s.head],
            ['Buckets', bucketsLine(s)],
          ]),
          '',
          table(
            [
              { head: 'PROJECTION', cell: (p) => p.name },
              { head: 'VERSION', cell: (p) => p.version },
              { head: 'POSITION', cell: (p) => p.position },
              { head: 'LAG', cell: (p) => s.head - p.position },
              {
                head: 'STATE',
                cell: (p) =>
                  p.halted
                    ? pc.red(`halted at ${p.halted.position}: ${p.halted.error}`)
                    : p.building
                      ? `building (${p.building.position})`
                      : 'live',
              },
            ],
            s.projections,
          ),
          '',
          table(
            [
              { head: 'SERVICE', cell: (one) => one.name },
              {
                head: 'STATE',
                cell: ({ state }) => (state === 'answering' ? state : pc.red('does not answer')),
              },
              { head: 'DEAD LETTERS', cell: ({ deadLetters }) => deadLetters ?? '–' },
            ],
            s.services,
          ),
        ].join('\n'),
      );
    });

  const token = program.command('token').description('access tokens');
  token
    .command('create')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--role <role>', 'publisher, viewer, responder or admin')
    .option('--user <user>', 'the person it acts for')
    .option('--expires <time>', 'RFC 3339')
    .description('create a token; it is shown once')
    .action(async (o: { name: string; role: string; user?: string; expires?: string }, command: Command) => {
      const session = open(command);
      const { body } = await session.http.post<{ id: string; token: string; warnings?: string[] }>(
        '/v1/tokens',
        {
          name: o.name,
          role: o.role,
          ...(o.user ? { user: o.user } : {}),
          ...(o.expires ? { expiresAt: o.expires } : {}),
        },
      );
      warn(session, body);
      present(session, body, (t) => `${t.token}\n${pc.dim(`id ${t.id}; it is not shown again`)}`);
    });
  token
    .command('list')
    .description('tokens, without what they are; as "get tokens"')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const tokens = await all<Record<string, unknown>>(session, '/v1/tokens');
      present(session, tokens, (list) => (list.length === 0 ? 'no tokens' : table(tokenColumns, list)));
    });
  token
    .command('revoke')
    .argument('<id>')
    .description('revoke a token at once')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = open(command);
      await session.http.delete(`/v1/tokens/${encodeURIComponent(id)}`);
      present(session, { id, revoked: true }, () => `token ${id} is revoked`);
    });
}

/** The name under which buckets are rebuilt. */
const BUCKETS = 'buckets';

interface SystemView {
  head: number;
  buckets: { partitionsToRebuild: number; building: number; series: number; done: number; of: number } | null;
  projections: {
    name: string;
    version: number;
    position: number;
    building?: { position: number; head: number } | null;
    halted?: { position: number; error: string } | null;
  }[];
  services: { name: string; state: 'answering' | 'silent'; deadLetters: number | null }[];
}

/** Waits for a rebuild to be swapped in, with a bar where a person looks on. */
async function progress({ http, output, pause }: Session, name: string): Promise<void> {
  for (let shown = -1; ; ) {
    const { body } = await http.get<SystemView>('/v1/system');
    const share = name === BUCKETS ? bucketsShare(body) : projectionShare(body, name);
    if (share >= 1) return;
    const done = Math.floor(share * 20);
    if (output.interactive && done !== shown)
      output.err(`${name} ${'█'.repeat(done)}${'░'.repeat(20 - done)} ${Math.floor(share * 100)} %`);
    shown = done;
    await pause(200);
  }
}

/** How much of a projection's rebuild is done; 1 when none is under way. */
function projectionShare({ projections }: SystemView, name: string): number {
  const building = projections.find((p) => p.name === name)?.building;
  return building ? Math.min(building.position / Math.max(building.head, 1), 0.99) : 1;
}

function bucketsShare({ buckets }: SystemView): number {
  if (buckets === null) return 0;
  if (buckets.partitionsToRebuild === 0 && buckets.building === 0) return 1;
  return Math.min(buckets.done / Math.max(buckets.of, 1), 0.99);
}

function bucketsLine({ buckets }: SystemView): string {
  if (buckets === null) return pc.red('no evaluator answers');
  if (buckets.building === 0) return `${buckets.series} series, complete`;
  return pc.yellow(
    `${buckets.building} of ${buckets.series} series are being made: ${buckets.done} of ${buckets.of} messages`,
  );
}
