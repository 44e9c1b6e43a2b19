import type { ChangeFreeze } from '@bellwether/contracts';
import { freezeSpans } from '@bellwether/slo';
import type { Command } from 'commander';
import pc from 'picocolors';
import { type Column, relative, table } from '../output.js';
import { collect, length, type OpenSession, present } from './command.js';

/** How far ahead the next time of a freeze is looked for. */
const AHEAD_MS = 2 * 366 * 86_400_000;

/** `freeze …`. */
export function freezeCommands(program: Command, open: OpenSession): void {
  const freeze = program.command('freeze').description('times in which services are not to be changed');
  freeze
    .command('list', { isDefault: true })
    .description('change freezes, and when each holds next')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const rows: ChangeFreeze[] = [];
      for await (const row of session.http.list<ChangeFreeze>('/v1/freezes')) rows.push(row);
      present(session, rows, (list) =>
        list.length === 0 ? 'no freezes' : table(freezeColumns(session.now()), list),
      );
    });
  freeze
    .command('start')
    .argument('<name>')
    .option('--service <name>', 'one of the services (repeatable; default: all)', collect)
    .requiredOption('--for <duration>', 'such as 4h', length)
    .requiredOption('-m, --reason <text>')
    .description('freeze from now on; one that comes again is applied from a file (kind: freeze)')
    .action(
      async (
        name: string,
        options: { service?: string[]; for: number; reason: string },
        command: Command,
      ) => {
        const session = open(command);
        const now = session.now();
        const { body } = await session.http.put<ChangeFreeze & { warnings?: string[] }>(
          `/v1/freezes/${encodeURIComponent(name)}`,
          {
            services: options.service ?? '*',
            reason: options.reason,
            from: now.toISOString(),
            to: new Date(now.getTime() + options.for).toISOString(),
          },
        );
        for (const warning of body.warnings ?? []) session.output.err(`${pc.yellow('warning')}: ${warning}`);
        present(session, body, ({ to }) => `${name} holds until ${to}`);
      },
    );
  freeze
    .command('end')
    .argument('<name>')
    .description('take a freeze away')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.delete<ChangeFreeze>(`/v1/freezes/${encodeURIComponent(name)}`);
      present(session, body, () => `${name} holds no longer`);
    });
}

/** Change freezes, with the span that holds now or comes next. */
export const freezeColumns = (now: Date): Column<ChangeFreeze>[] => [
  { head: 'NAME', cell: (f) => f.name },
  { head: 'SERVICES', cell: (f) => f.services },
  { head: 'HOLDS', cell: (f) => holds(f, now) },
  { head: 'AGAIN', cell: (f) => f.recurrence && `${f.recurrence.rrule} (${f.recurrence.timeZone})` },
  { head: 'REASON', cell: (f) => f.reason },
];

function holds(freeze: ChangeFreeze, now: Date): string {
  const at = now.getTime();
  const [span] = freezeSpans(freeze, at, at + AHEAD_MS, 1);
  if (!span) return 'no more';
  const [from, to] = [span.from, span.to].map((time) => new Date(time).toISOString()) as [string, string];
  return span.from <= at ? `now, until ${to} (${relative(to, now)})` : `${relative(from, now)}, from ${from}`;
}
