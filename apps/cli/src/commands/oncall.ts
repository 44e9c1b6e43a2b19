import {
  MOST_SHIFT_DAYS,
  type OnCall,
  type Page,
  pageBodies,
  pageStatus,
  type Shift,
  type User,
} from '@bellwether/contracts';
import { isReachable } from '@bellwether/oncall';
import type { Command } from 'commander';
import type { z } from 'zod';
import { CliError, ExitCode } from '../errors.js';
import { relative, table, tone } from '../output.js';
import {
  all,
  checkedBody,
  number,
  type OpenSession,
  present,
  render,
  type Session,
  shown,
  someOf,
  time,
  WATCH,
  warn,
  whole,
} from './command.js';
import { onCallCell, onCallColumns, pageColumns } from './get.js';
import { overrideCommands } from './override.js';

interface WhoOptions {
  at?: string;
  asOf?: string;
  watch?: boolean;
}

/** `oncall …` and `page …`. */
export function onCallCommands(program: Command, open: OpenSession): void {
  const oncall = program.command('oncall').description('who is, and will be, on call');
  oncall
    .command('who', { isDefault: true })
    .argument('[schedule]', 'of this one alone')
    .option('--at <time>', 'at another time (RFC 3339)', time)
    .option('--as-of <time>', 'as it was known then (RFC 3339); without --at, who was on call then', time)
    .option(...WATCH)
    .description('who is on call')
    .action(async (schedule: string | undefined, options: WhoOptions, command: Command) => {
      const session = open(command);
      const { asOf, at = asOf } = options;
      const query = new URLSearchParams({
        ...(schedule && { schedule }),
        ...(at && { at }),
        ...(asOf && { asOf }),
      });
      const path = query.size === 0 ? '/v1/oncall' : `/v1/oncall?${query}`;
      await shown(session, options.watch, async () => {
        const list = await all<OnCall>(session, path);
        const unreachable =
          session.context.output === 'table' ? await unreachableOf(session, list, asOf) : [];
        return render(session, list, () =>
          list.length === 0 ? 'no schedules' : table(onCallColumns(session.now(), unreachable), list),
        );
      });
    });
  oncall
    .command('shifts')
    .argument('<schedule>')
    .option('--from <time>', 'default now', time)
    .option('--days <n>', `how many days, at most ${MOST_SHIFT_DAYS}`, whole, 14)
    .description('shifts to come')
    .action(async (schedule: string, options: { from?: string; days: number }, command: Command) => {
      const session = open(command);
      const from = options.from ? new Date(options.from) : session.now();
      if (options.days > MOST_SHIFT_DAYS)
        throw new CliError(`--days must be at most ${MOST_SHIFT_DAYS}`, ExitCode.usage);
      const to = new Date(from.getTime() + options.days * 86_400_000);
      const rows = await all<Shift>(
        session,
        `/v1/schedules/${encodeURIComponent(schedule)}/shifts?from=${from.toISOString()}&to=${to.toISOString()}`,
      );
      const unreachable = session.context.output === 'table' ? await unreachableOf(session, rows) : [];
      present(session, rows, (list) =>
        table(
          [
            { head: 'FROM', cell: (s) => s.from },
            { head: 'TO', cell: (s) => s.to },
            { head: 'ON CALL', cell: (s) => onCallCell(s.users, unreachable) },
            { head: 'LAYER', cell: (s) => (s.override === null ? s.layer : `override ${s.override}`) },
          ],
          withGaps(list, from, to),
        ),
      );
    });
  overrideCommands(oncall, open);

  const page = program.command('page').description('pages and their deliveries');
  page
    .command('list')
    .option('--status <status>', 'open, acknowledged, cancelled or exhausted', someOf(pageStatus.options))
    .option(...WATCH)
    .description('pages, newest first')
    .action(async ({ watch, ...filter }: { status?: string; watch?: boolean }, command: Command) => {
      const session = open(command);
      const path = `/v1/pages?${new URLSearchParams(filter)}`;
      await shown(session, watch, async () =>
        render(session, await all<Page>(session, path), (list) =>
          list.length === 0 ? 'no pages' : table(pageColumns(session.now()), list),
        ),
      );
    });
  page
    .command('show')
    .argument('<id>')
    .description('a page with every delivery')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.get<Page>(`/v1/pages/${encodeURIComponent(id)}`);
      present(session, body, (p) =>
        [
          table(pageColumns(session.now()), [p]),
          '',
          table(
            [
              { head: 'USER', cell: (d) => d.user },
              { head: 'METHOD', cell: (d) => `${d.method} (${d.kind})` },
              // Two that are alike otherwise are of another step, of another cycle of the policy, or came later.
              { head: 'STEP', cell: (d) => d.step },
              { head: 'CYCLE', cell: (d) => d.cycle },
              { head: 'DUE', cell: (d) => `${d.dueAt} (${relative(d.dueAt, session.now())})` },
              { head: 'STATE', cell: (d) => tone(d.state) },
              { head: 'ATTEMPTS', cell: (d) => d.attempts },
              { head: 'LAST ERROR', cell: (d) => d.lastError },
            ],
            p.deliveries,
          ),
        ].join('\n'),
      );
    });
  const act = (
    name: string,
    description: string,
    configure: (c: Command) => Command,
    schema: z.ZodType,
    body: (options: Record<string, unknown>) => unknown,
  ) =>
    configure(page.command(name).argument('<id>', 'such as INC-42-P1').description(description)).action(
      async (id: string, options: Record<string, unknown>, command: Command) => {
        const session = open(command);
        const verb = { ack: 'acknowledge', escalate: 'escalate', reassign: 'reassign' }[name];
        const { body: state } = await session.http.post<Page & { warnings?: string[] }>(
          `/v1/pages/${encodeURIComponent(id)}/${verb}`,
          checkedBody(schema, 'the call', body(options)),
        );
        warn(session, state);
        present(session, state, (p) => table(pageColumns(session.now()), [p]));
      },
    );
  act(
    'ack',
    'acknowledge: escalation stops',
    (c) => c.option('-m, --note <text>'),
    pageBodies.acknowledge,
    (o) => (o.note ? { note: o.note } : {}),
  );
  act(
    'escalate',
    'go to the next step, or to a named one',
    (c) => c.option('--step <n>', 'step, from 1', number),
    pageBodies.escalate,
    (o) => (o.step === undefined ? {} : { step: o.step }),
  );
  act(
    'reassign',
    'give it to other people',
    (c) => c.requiredOption('--users <names>', 'comma-separated'),
    pageBodies.reassign,
    (o) => ({ users: String(o.users).split(',') }),
  );
}

/** Names of those on call whom no page reaches: not defined, or without a verified contact method. */
async function unreachableOf(
  session: Session,
  list: readonly { users: readonly string[] }[],
  asOf?: string,
): Promise<string[]> {
  const names = new Set(list.flatMap(({ users }) => users));
  if (names.size === 0) return [];
  const path = asOf === undefined ? '/v1/users' : `/v1/users?${new URLSearchParams({ asOf })}`;
  const users = new Map((await all<User>(session, path)).map((user) => [user.name, user]));
  return [...names].filter((name) => !isReachable(users.get(name)));
}

/** Shifts of a span, with the stretches between them in which nobody is on call. */
function withGaps(shifts: readonly Shift[], from: Date, to: Date): Shift[] {
  const rows: Shift[] = [];
  const gap = (begin: string, end: string): void => {
    if (Date.parse(begin) < Date.parse(end))
      rows.push({ from: begin, to: end, users: [], layer: null, override: null });
  };
  let end = from.toISOString();
  for (const shift of shifts) {
    gap(end, shift.from);
    rows.push(shift);
    end = shift.to;
  }
  gap(end, to.toISOString());
  return rows;
}
