import { type Incident, nearestNames, type OnCall, type Page, type SloStatus } from '@bellwether/contracts';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { CliError, ExitCode } from '../errors.js';
import { kinds } from '../manifest.js';
import {
  amount,
  burnCell,
  type Column,
  exhaustion,
  fields,
  percent,
  relative,
  span,
  table,
  tone,
  unreadableLine,
} from '../output.js';
import { absentLine } from './absent.js';
import { all, type OpenSession, render, type Session, shown, time, WATCH } from './command.js';
import { correctionLine } from './correction.js';
import { freezeColumns } from './freeze.js';
import { ruleColumns } from './rule.js';
import { componentLine, groupLine, groupTable } from './slo-groups.js';

type Row = Record<string, unknown>;
const column = (head: string, cell: (row: Row) => unknown): Column<Row> => ({ head, cell });

const tables: Record<string, (now: Date) => Column<Row>[]> = {
  services: () => [
    column('NAME', (r) => r.name),
    column('TEAM', (r) => r.team),
    column('TIER', (r) => r.tier),
    column('DEPENDS ON', (r) => r.dependsOn),
    column('POLICY', (r) => r.escalationPolicy),
  ],
  slis: () => [
    column('SERVICE', (r) => r.service),
    column('NAME', (r) => r.name),
    column('UNIT', (r) => r.unit),
    column('DESCRIPTION', (r) => r.description),
  ],
  slos: () => [
    column('NAME', (r) => r.name),
    column('SERVICE', (r) => r.service),
    column('OBJECTIVE', (r) => percent(r.objective as number)),
    column('WINDOW', (r) => Object.values((r.window as Row) ?? {})[0]),
    column('INDICATOR', (r) => (r.indicator as Row | undefined)?.kind),
  ],
  rules: () => ruleColumns as unknown as Column<Row>[],
  users: () => [
    column('NAME', (r) => r.name),
    column('DISPLAY NAME', (r) => r.displayName),
    column('ZONE', (r) => r.timeZone),
    column('METHODS', (r) => (r.contactMethods as Row[]).map((m) => m.id)),
  ],
  schedules: () => [
    column('NAME', (r) => r.name),
    column('ZONE', (r) => r.timeZone),
    column('LAYERS', (r) => (r.layers as Row[]).map((l) => l.name)),
  ],
  policies: () => [
    column('NAME', (r) => r.name),
    column('STEPS', (r) => (r.steps as Row[]).length),
    column('REPEAT', (r) => r.repeat),
    column('ACK TIMEOUT', (r) => `${r.ackTimeoutMinutes} min`),
  ],
  freezes: (now) => freezeColumns(now) as unknown as Column<Row>[],
  incidents: (now) => incidentColumns(now) as unknown as Column<Row>[],
  pages: (now) => pageColumns(now) as unknown as Column<Row>[],
  oncall: (now) => onCallColumns(now) as unknown as Column<Row>[],
  tokens: () => tokenColumns,
};

export const tokenColumns: Column<Row>[] = [
  column('ID', (r) => r.id),
  column('NAME', (r) => r.name),
  column('ROLE', (r) => r.role),
  column('USER', (r) => r.user),
  column('CREATED', (r) => r.createdAt),
  column('EXPIRES', (r) => r.expiresAt),
  column('REVOKED', (r) => r.revokedAt),
];

/** Its status; of one that was merged, into which. */
export const statusCell = ({ status, mergedInto }: Incident): string =>
  mergedInto == null ? tone(status) : `merged into ${mergedInto}`;

export const incidentColumns = (now: Date): Column<Incident>[] => [
  { head: 'ID', cell: (i) => i.id },
  { head: 'SEVERITY', cell: (i) => tone(i.severity) },
  { head: 'STATUS', cell: statusCell },
  { head: 'STARTED', cell: (i) => relative(i.startedAt, now) },
  { head: 'COMMANDER', cell: (i) => i.commander },
  { head: 'SERVICES', cell: (i) => i.services },
  { head: 'TITLE', cell: (i) => i.title },
];

export const pageColumns = (now: Date): Column<Page>[] => [
  { head: 'ID', cell: (p) => p.id },
  { head: 'STATUS', cell: (p) => tone(p.status) },
  { head: 'STEP', cell: (p) => p.step },
  // A webhook of a policy is nobody's: it goes by its own name.
  { head: 'PAGED', cell: (p) => [...new Set(p.deliveries.map(({ user, method }) => user ?? method))] },
  { head: 'REQUESTED', cell: (p) => relative(p.requestedAt, now) },
  { head: 'ACKNOWLEDGED BY', cell: (p) => p.acknowledgedBy },
  {
    head: 'NEXT',
    cell: (p) => nextOf(p, now),
  },
  { head: 'TITLE', cell: (p) => p.title },
];

/** What happens to a page by itself: after the last step of its policy nothing but that it is exhausted. */
function nextOf({ nextAction }: Page, now: Date): string {
  if (!nextAction?.at) return '–';
  const { kind, at } = nextAction;
  return `${kind === 'none' ? 'exhausted' : kind} ${relative(at, now)}`;
}

/** People on call, with those marked whom no page reaches. */
export const onCallCell = (users: readonly string[], unreachable: readonly string[]): string =>
  users.length === 0
    ? tone('nobody')
    : users
        .map((user) => (unreachable.includes(user) ? `${user} (${tone('unreachable')})` : user))
        .join(', ');

/** @param unreachable names of those whom no page reaches, where that is known */
export const onCallColumns = (now: Date, unreachable: readonly string[] = []): Column<OnCall>[] => [
  { head: 'SCHEDULE', cell: (o) => o.schedule },
  {
    head: 'ON CALL',
    cell: (o) => onCallCell(o.users, unreachable),
  },
  { head: 'UNTIL', cell: (o) => (o.until ? `${o.until} (${relative(o.until, now)})` : '–') },
];

const singular: Record<string, string> = {
  service: 'services',
  sli: 'slis',
  slo: 'slos',
  rule: 'rules',
  user: 'users',
  schedule: 'schedules',
  policy: 'policies',
  freeze: 'freezes',
  incident: 'incidents',
  page: 'pages',
  token: 'tokens',
};

interface AsOfOptions {
  asOf?: string;
  watch?: boolean;
}

interface StatusOptions extends AsOfOptions {
  groups?: boolean;
  group?: string;
}

/** `get` and `status`. */
export function readCommands(program: Command, open: OpenSession): void {
  program
    .command('get')
    .argument('<kind>', `${Object.keys(tables).join(', ')} (or the singular)`)
    .argument('[name]', 'one of them, as YAML that "apply" takes; an SLI is service/name')
    .option('--as-of <time>', 'what was known then (RFC 3339)', time)
    .option(...WATCH)
    .description('list resources, or show one')
    .addHelpText(
      'after',
      '\nExamples:\n  bellwether get slos\n  bellwether get slo checkout-availability > slo.yaml\n  bellwether get services -o yaml | bellwether apply -f -',
    )
    .action(async (given: string, name: string | undefined, options: AsOfOptions, command: Command) => {
      const session = open(command);
      const kind = singular[given] ?? given;
      const columns = tables[kind];
      if (!columns) throw new CliError(unknownKind(given), ExitCode.usage);
      const asOf = options.asOf ? `?asOf=${encodeURIComponent(options.asOf)}` : '';
      await shown(session, options.watch, async () => {
        if (name !== undefined) return oneOf(session, kind, name, asOf);
        const rows = await all<Row>(session, `/v1/${kind}${asOf}`);
        if (session.context.output === 'yaml') return rows.map((row) => manifest(kind, row)).join('\n---\n');
        return render(session, rows, (list) =>
          list.length === 0 ? `no ${kind}` : table(columns(session.now()), list),
        );
      });
    });

  program
    .command('status')
    .argument('[slo]', 'one SLO; without it, all of them')
    .description('error budgets and burn rates')
    .option('--as-of <time>', 'what was known then (RFC 3339)', time)
    .option('--groups', 'the groups of an SLO with groupBy, the worst first')
    .option('--group <value>', 'one group: its value of the label')
    .option(...WATCH)
    .addHelpText(
      'after',
      '\nExamples:\n  bellwether status\n  bellwether status checkout-availability --groups\n  bellwether status checkout-availability --group eu',
    )
    .action(async (slo: string | undefined, options: StatusOptions, command: Command) => {
      const session = open(command);
      if (slo === undefined && (options.groups || options.group !== undefined))
        throw new CliError('--groups and --group are of one SLO: name it', ExitCode.usage);
      const asOf = options.asOf ? `?asOf=${encodeURIComponent(options.asOf)}` : '';
      const ofGroup = new URLSearchParams({
        ...(options.asOf && { asOf: options.asOf }),
        ...(options.group !== undefined && { group: options.group }),
      }).toString();
      const statusOf = async (name: string, query = asOf) =>
        (await session.http.get<SloStatus>(`/v1/slos/${encodeURIComponent(name)}/status${query}`)).body;
      await shown(session, options.watch, async () => {
        if (slo) {
          const form = options.groups ? groupTable : oneStatus;
          const status = await statusOf(slo, ofGroup && `?${ofGroup}`);
          return render(session, status, (each) => form(each, session.now()));
        }
        const statuses: SloStatus[] = [];
        for (const { name } of await all<{ name: string }>(session, `/v1/slos${asOf}`))
          statuses.push(await statusOf(name));
        return render(session, statuses, (list) =>
          list.length === 0 ? 'no slos' : table(statusColumns(session.now()), list),
        );
      });
    });
}

function unknownKind(given: string): string {
  const [near] = nearestNames(given, Object.keys(tables), 1);
  const meant = near === undefined ? 'known' : `did you mean ${near}? Known`;
  return `unknown kind "${given}"; ${meant} are ${Object.keys(tables).join(', ')}`;
}

async function oneOf(session: Session, kind: string, name: string, asOf: string): Promise<string> {
  if (kind === 'slis' && !name.includes('/'))
    throw new CliError(`which service is ${name} of? An SLI is named service/name`, ExitCode.usage);
  const path = name.split('/').map(encodeURIComponent).join('/');
  const { body } = await session.http.get<Row>(`/v1/${kind}/${path}${asOf}`);
  return session.context.output === 'json' ? JSON.stringify(body, null, 2) : manifest(kind, body);
}

/** A resource as `apply` takes it; what is none is shown as it is. */
function manifest(plural: string, { warnings: _, ...resource }: Row): string {
  const kind = Object.entries(kinds).find(([, each]) => each.plural === plural)?.[0];
  return stringify(kind ? { kind, ...resource } : resource).trimEnd();
}

const statusColumns = (now: Date): Column<SloStatus>[] => [
  { head: 'SLO', cell: (s) => s.slo },
  {
    head: 'STATE',
    cell: (s) =>
      `${tone(s.state)}${s.frozen ? ' (frozen)' : ''}${s.source?.state === 'failing' ? ' (source failing)' : ''}${s.unreadable ? ' (points not read)' : ''}${s.outOfRange ? ' (out of range)' : ''}`,
  },
  { head: 'OBJECTIVE', cell: (s) => percent(s.objective) },
  { head: 'SLI', cell: (s) => percent(s.sli) },
  { head: 'BUDGET LEFT', cell: (s) => percent(s.budget.remaining, 1) },
  { head: 'BURN', cell: (s) => burnCell(s.burn) },
  {
    head: 'FIRING',
    cell: (s) => [
      ...(s.alertsOff
        ? ['off']
        : s.alerts.filter((a) => a.state === 'firing').map((a) => `${a.severity}-${a.tier}`)),
      ...(s.absent ? ['absent'] : []),
    ],
  },
  { head: 'EXHAUSTED', cell: (s) => exhausted(s, now) },
];

function oneStatus(s: SloStatus, now: Date): string {
  return fields([
    ['SLO', `${s.slo} (service ${s.service})`],
    ...(s.group ? ([['Group', `${s.group.label} ${s.group.value}`]] as [string, unknown][]) : []),
    ['State', `${tone(s.state)}${s.frozen ? `, frozen since ${s.frozen.since}: ${s.frozen.reason}` : ''}`],
    ['SLI', `${percent(s.sli)} of ${percent(s.objective)} (${amount(s.good)} good of ${amount(s.total)})`],
    ['Budget', `${percent(s.budget.remaining, 1)} left, ${percent(s.budget.consumed, 1)} spent`],
    [
      'Exhausted',
      s.budget.exhausted || !s.budget.exhaustsAt
        ? exhausted(s, now)
        : `${s.budget.exhaustsAt} (${exhausted(s, now)})`,
    ],
    ['Burn', s.burn.map((b) => `${b.window} ${rate(b.rate)}`).join('  ')],
    [
      'Alerts',
      s.alertsOff
        ? `off: groupBy.alerts is "${s.group ? 'overall' : 'groups'}"`
        : s.alerts
            .map((a) => `${a.severity}-${a.tier} ${tone(a.state)}${a.since ? ` since ${a.since}` : ''}`)
            .join(', '),
    ],
    ...(s.components ? ([['Made of', componentLine(s.components)]] as [string, unknown][]) : []),
    ...(s.groups ? ([['Groups', groupLine(s)]] as [string, unknown][]) : []),
    ['Newest data', s.watermark ? `${s.watermark} (${relative(s.watermark, now)})` : 'none'],
    ...(s.absent ? ([['Absent', absentLine(s.absent, now)]] as [string, unknown][]) : []),
    ...(s.source ? ([['Source', sourceLine(s.source, now)]] as [string, unknown][]) : []),
    ...(s.unreadable ? ([['Not read', unreadableLine(s.unreadable, now)]] as [string, unknown][]) : []),
    ...(s.outOfRange ? ([['Out of range', rangeLine(s.outOfRange, now)]] as [string, unknown][]) : []),
    ['History', `${span(s.history)}, coverage ${percent(s.coverage, 1)}`],
    ...(s.corrections > 0 ? ([['Corrections', correctionLine(s)]] as [string, unknown][]) : []),
    ...(s.backfill ? ([['Back-fill', `${s.backfill.done} of ${s.backfill.of}`]] as [string, unknown][]) : []),
  ]);
}

/** `2 of the latest 5 values, the newest 5 s ago: below 0 or above 1, and read as that` */
function rangeLine(
  { points, of, newest, from, to }: NonNullable<SloStatus['outOfRange']>,
  now: Date,
): string {
  return `${points} of the latest ${of} points, the newest ${relative(newest, now)}: below ${from} or above ${to}, and read as that. Is the unit of the SLI right?`;
}

/** `prometheus failing since 4 min ago: … (last answered 5 min ago)` */
function sourceLine(source: NonNullable<SloStatus['source']>, now: Date): string {
  const { kind, state, since, lastSuccessAt, lastError } = source;
  if (state === 'ok' || state === 'waiting') return `${kind} ${tone(state)}`;
  const how = state === 'empty' ? 'answered with data' : 'answered';
  const last = lastSuccessAt === null ? `it never ${how}` : `last ${how} ${relative(lastSuccessAt, now)}`;
  return `${kind} ${tone(state)} since ${relative(since, now)}: ${lastError} (${last})`;
}

// At the recent pace; the moment an overspent budget ran out is not in the status.
const exhausted = ({ budget }: SloStatus, now: Date): string =>
  budget.exhausted ? 'already' : exhaustion(budget.exhaustsAt, now);

const rate = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : value.toFixed(2);
