import type { Rule, RuleStatus } from '@bellwether/contracts';
import type { Command } from 'commander';
import { type Column, fields, relative, table, tone, unreadableLine } from '../output.js';
import { inUnit } from '../unit.js';
import { absentLine } from './absent.js';
import { all, type OpenSession, present, render, type Session, shown, time, WATCH } from './command.js';

/** `rule …`. */
export function ruleCommands(program: Command, open: OpenSession): void {
  const rule = program.command('rule').description('threshold rules and the state of their alerts');
  rule
    .command('status', { isDefault: true })
    .argument('[name]', 'one rule; without it, all of them')
    .option('--as-of <time>', 'what was known then (RFC 3339)', time)
    .option(...WATCH)
    .description('state, value and threshold')
    .action(
      async (name: string | undefined, options: { asOf?: string; watch?: boolean }, command: Command) => {
        const session = open(command);
        const asOf = options.asOf === undefined ? '' : `?asOf=${encodeURIComponent(options.asOf)}`;
        await shown(session, options.watch, () =>
          name === undefined ? statuses(session, asOf) : oneStatus(session, name, asOf),
        );
      },
    );
  rule
    .command('retire')
    .argument('<name>')
    .description('end a rule; an alert of it that fires is resolved (role admin)')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.delete<Rule>(pathOf(name));
      present(session, body, () => `${name} is retired`);
    });
}

const pathOf = (name: string): string => `/v1/rules/${encodeURIComponent(name)}`;

async function statusOf({ http }: Session, name: string, asOf: string): Promise<RuleStatus> {
  return (await http.get<RuleStatus>(`${pathOf(name)}/status${asOf}`)).body;
}

async function statuses(session: Session, asOf: string): Promise<string> {
  const found: RuleStatus[] = [];
  for (const { name } of await all<Rule>(session, `/v1/rules${asOf}`)) {
    found.push(await statusOf(session, name, asOf));
  }
  return render(session, found, (list) =>
    list.length === 0 ? 'no rules' : table(statusColumns(session.now()), list),
  );
}

async function oneStatus(session: Session, name: string, asOf: string): Promise<string> {
  const now = session.now();
  return render(session, await statusOf(session, name, asOf), (s) =>
    fields([
      ['Rule', `${s.rule} (service ${s.service}, ${s.severity})`],
      ['State', `${tone(s.state)}${s.since ? ` since ${s.since} (${relative(s.since, now)})` : ''}`],
      ...(s.firesAt
        ? ([['Fires', `${s.firesAt} (${relative(s.firesAt, now)})`]] as [string, unknown][])
        : []),
      ['Value', `${inUnit(s, s.value)}: ${s.aggregate} of ${s.sli} over ${s.window}`],
      ['Threshold', condition(s)],
      ...(s.clear === s.threshold ? [] : ([['Resolves', `at ${inUnit(s, s.clear)}`]] as [string, unknown][])),
      ...(s.frozen ? ([['Held', `since ${s.frozen.since}: ${s.frozen.reason}`]] as [string, unknown][]) : []),
      ['Newest data', s.watermark ? `${s.watermark} (${relative(s.watermark, now)})` : 'none'],
      ...(s.absent ? ([['Absent', absentLine(s.absent, now)]] as [string, unknown][]) : []),
      ...(s.unreadable ? ([['Not read', unreadableLine(s.unreadable, now)]] as [string, unknown][]) : []),
      ['Runbook', s.runbookUrl],
      ...(s.backfill
        ? ([['Back-fill', `${s.backfill.done} of ${s.backfill.of}`]] as [string, unknown][])
        : []),
    ]),
  );
}

const statusColumns = (now: Date): Column<RuleStatus>[] => [
  { head: 'RULE', cell: (s) => s.rule },
  {
    head: 'STATE',
    cell: (s) => `${tone(s.state)}${s.frozen ? ' (held)' : ''}${s.absent ? ' (absent)' : ''}`,
  },
  { head: 'SINCE', cell: (s) => relative(s.since, now) },
  { head: 'SEVERITY', cell: (s) => s.severity },
  { head: 'VALUE', cell: (s) => inUnit(s, s.value) },
  { head: 'FIRES', cell: (s) => condition(s) },
  { head: 'OF', cell: (s) => `${s.aggregate} of ${s.service}/${s.sli} over ${s.window}` },
];

/** Rules as they are defined. */
export const ruleColumns: Column<Rule>[] = [
  { head: 'NAME', cell: (r) => r.name },
  { head: 'SERVICE', cell: (r) => r.service },
  { head: 'SEVERITY', cell: (r) => r.severity },
  { head: 'FIRES', cell: (r) => condition({ ...r, unit: r.unit ?? '' }) },
  { head: 'OF', cell: (r) => `${r.aggregate} of ${r.sli} over ${r.window}` },
  { head: 'SUMMARY', cell: (r) => r.summary },
];

const SIGNS = { gt: '>', gte: '≥', lt: '<', lte: '≤' } as const;

/** `> 1 s for 5m`. */
function condition(of: { op: keyof typeof SIGNS; threshold: number; unit: string; for: string }): string {
  const held = of.for.startsWith('0') ? '' : ` for ${of.for}`;
  return `${SIGNS[of.op]} ${inUnit(of, of.threshold)}${held}`;
}
