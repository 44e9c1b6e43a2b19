import { override, type ScheduleOverride, type WithdrawnOverride } from '@bellwether/contracts';
import type { Command } from 'commander';
import { CliError, ExitCode } from '../errors.js';
import { type Column, relative, table } from '../output.js';
import { all, checkedBody, length, type OpenSession, present, time, warn } from './command.js';

interface TakeOptions {
  until?: string;
  for?: number;
  from?: string;
  replaces?: string;
  reason: string;
}

/** `oncall take`, `oncall overrides` and `oncall withdraw`. */
export function overrideCommands(oncall: Command, open: OpenSession): void {
  oncall
    .command('take')
    .argument('<schedule>')
    .argument('<user>', 'who takes it')
    .option('--until <time>', 'until when (RFC 3339)', time)
    .option('--for <duration>', 'for how long, such as 4h, instead of --until', length)
    .option('--from <time>', 'default now', time)
    .option('--replaces <user>', 'whose shift; without it the user is added')
    .option('-m, --reason <text>', 'why', '')
    .description('take a shift: one override')
    .action(async (schedule: string, user: string, options: TakeOptions, command: Command) => {
      const session = open(command);
      const { replaces, reason } = options;
      const body = checkedBody(override, 'the override', {
        schedule,
        kind: replaces === undefined ? ('add' as const) : ('replace' as const),
        user,
        ...(replaces !== undefined && { replaces }),
        ...spanOf(options, session.now()),
        reason,
      });
      const { body: made } = await session.http.post<ScheduleOverride & { warnings?: string[] }>(
        pathOf(schedule),
        body,
      );
      warn(session, made);
      present(session, made, (each) => `${taken(each, session.now())} (override ${each.id})`);
    });
  oncall
    .command('overrides')
    .argument('<schedule>')
    .option('--from <time>', 'those that end after it; default now, or --as-of', time)
    .option('--to <time>', 'those that begin before it', time)
    .option('--as-of <time>', 'what was known then (RFC 3339)', time)
    .description('overrides that hold now or later')
    .action(
      async (schedule: string, options: { from?: string; to?: string; asOf?: string }, command: Command) => {
        const session = open(command);
        const { asOf, to, from = asOf ?? session.now().toISOString() } = options;
        const query = new URLSearchParams({ from, ...(to && { to }), ...(asOf && { asOf }) });
        const rows = await all<ScheduleOverride>(session, `${pathOf(schedule)}?${query}`);
        present(session, rows, (list) =>
          list.length === 0 ? 'no overrides' : table(columns(session.now()), list),
        );
      },
    );
  oncall
    .command('withdraw')
    .argument('<schedule>')
    .argument('<id>', 'of the override, as "oncall overrides" lists it')
    .description('withdraw an override: it ends now, or never begins')
    .action(async (schedule: string, id: string, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.delete<WithdrawnOverride & { warnings?: string[] }>(
        `${pathOf(schedule)}/${encodeURIComponent(id)}`,
      );
      warn(session, body);
      present(
        session,
        body,
        ({ withdrawnAt, withdrawnBy }) =>
          `override ${id} of ${schedule} is withdrawn since ${withdrawnAt} (by ${withdrawnBy})`,
      );
    });
}

const pathOf = (schedule: string): string => `/v1/schedules/${encodeURIComponent(schedule)}/overrides`;

/** @throws CliError (usage) */
function spanOf({ from: given, until, for: millis }: TakeOptions, now: Date): { from: string; to: string } {
  if ((until === undefined) === (millis === undefined))
    throw new CliError('until when? Give --until <time> or --for <duration>', ExitCode.usage);
  const from = given ?? now.toISOString();
  const to = until ?? new Date(Date.parse(from) + (millis as number)).toISOString();
  if (Date.parse(to) <= Date.parse(from)) throw new CliError(`--until must be after ${from}`, ExitCode.usage);
  return { from, to };
}

/** What an override does, also where nobody is replaced: `ada is on shop-primary whenever grace would be, until …`. */
function taken({ schedule, user, replaces, from, to }: ScheduleOverride, now: Date): string {
  const [begins, ends] = [Date.parse(from), Date.parse(to)];
  const [is, would] =
    ends <= now.getTime()
      ? ['was', 'would have been']
      : begins > now.getTime()
        ? ['will be', 'would be']
        : ['is', 'would be'];
  const when = is === 'is' ? `until ${to}` : `from ${from} until ${to}`;
  return replaces === undefined
    ? `${user} ${is} on ${schedule} ${when}`
    : `${user} ${is} on ${schedule} whenever ${replaces} ${would}, ${when}`;
}

const columns = (now: Date): Column<ScheduleOverride>[] => [
  { head: 'ID', cell: (o) => o.id },
  { head: 'KIND', cell: (o) => o.kind },
  { head: 'USER', cell: (o) => o.user },
  { head: 'REPLACES', cell: (o) => o.replaces },
  { head: 'FROM', cell: (o) => `${o.from} (${relative(o.from, now)})` },
  { head: 'TO', cell: (o) => `${o.to} (${relative(o.to, now)})` },
  { head: 'BY', cell: (o) => o.by },
  { head: 'REASON', cell: (o) => o.reason },
];
