import { spawn } from 'node:child_process';
import path from 'node:path';
import { role } from '@bellwether/contracts';
import { EventLog } from '@bellwether/event-log';
import type { Command } from 'commander';
import pc from 'picocolors';
import { CliError, ExitCode } from '../errors.js';
import { table } from '../output.js';
import { all, type OpenSession, oneOf, present, render, shown, time, WATCH, warn } from './command.js';
import { tokenColumns } from './get.js';
import { rebuildCommand } from './rebuild.js';
import { systemCommand } from './system.js';

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
          'which database? Start the local run (npm start), which is found by its .bellwether folder, or set DATABASE_URL or --database-url',
          ExitCode.unreachable,
        );
      const log = EventLog.open({ name: 'cli', connectionString: databaseUrl, poolSize: 2 });
      try {
        const report = await log
          .verify(options.journal ? { journals: options.journal } : {})
          .catch((error: Error) => {
            if (error instanceof RangeError) throw new CliError(error.message, ExitCode.usage);
            // Not what the exit code for a changed log stands for.
            throw new CliError(
              `the log cannot be read (${error.message}): is the database running, and is it the right one? ` +
                'It is that of the local run, of DATABASE_URL or of --database-url',
              ExitCode.unreachable,
            );
          });
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

  rebuildCommand(program, open);
  systemCommand(program, open);

  const token = program.command('token').description('access tokens');
  token
    .command('create')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--role <role>', 'publisher, viewer, responder or admin', oneOf(role.options))
    .option('--user <user>', 'the person it acts for')
    .option('--expires <time>', 'RFC 3339', time)
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
      // Alone on standard output, for `TOKEN="$(bellwether token create …)"`.
      present(session, body, (t) => t.token);
      if (session.context.output === 'table')
        session.output.err(pc.dim(`the token is not shown again; revoke it by its id: ${body.id}`));
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
