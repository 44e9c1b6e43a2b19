import type { Report, ReportIncident, ReportSlo, ReportSummary } from '@bellwether/contracts';
import { type Command, Option } from 'commander';
import pc from 'picocolors';
import { percent, table, tone } from '../output.js';
import { type OpenSession, present } from './command.js';

interface ReportOptions {
  at?: string;
  groupBy: string;
  team?: string;
  service?: string;
  timeZone?: string;
}

const TYPES: Record<string, string> = { csv: 'text/csv', md: 'text/markdown' };

/** `report week` and `report month`. */
export function reportCommand(program: Command, open: OpenSession): void {
  const report = program
    .command('report')
    .description('how SLOs did over a week or a month, by team or service');
  for (const [period, example] of [
    ['week', '2026-W47'],
    ['month', '2026-10'],
  ] as const) {
    report
      .command(period)
      .description(`the last ${period} that is over, or the one that is named, compared with the one before`)
      .option(`--at <${period}>`, `which one, such as ${example}`)
      .addOption(
        new Option('--group-by <what>', 'put together by').choices(['team', 'service']).default('team'),
      )
      .option('--team <name>', 'of one team only')
      .option('--service <name>', 'of one service only')
      .option('--time-zone <zone>', `whose ${period}s, such as Europe/Berlin; UTC without it`)
      .addHelpText(
        'after',
        `\nWith -o json, -o csv or -o md for programs, spreadsheets and documents.\nExample:\n  bellwether report ${period} --team pay -o md > report.md`,
      )
      .action(async ({ groupBy, ...options }: ReportOptions, command: Command) => {
        const session = open(command, ['csv', 'md']);
        const given = Object.entries(options).filter(([, value]) => value !== undefined);
        const query = new URLSearchParams({ period, groupBy, ...Object.fromEntries(given) });
        const type = TYPES[session.context.output];
        const { body } = await session.http.get<Report | string>(
          `/v1/reports?${query}`,
          type === undefined ? {} : { accept: type },
        );
        if (typeof body === 'string') session.output.out(body.trimEnd());
        else present(session, body, forPeople);
      });
  }
}

function forPeople(report: Report): string {
  const { period, at, from, to, timeZone, complete, before, groups, summary } = report;
  const isAlone = groups.length === 1;
  return [
    `${pc.bold(`${period} ${at}`)}, ${from} to ${to} (${timeZone}), compared with ${before.at}${
      complete ? '' : pc.yellow('; not over yet')
    }`,
    ...(isAlone ? [] : summaryLines(summary)),
    ...groups.flatMap(({ name, summary: own, slos, incidents }) => [
      '',
      pc.bold(name ?? `no ${report.groupBy}`),
      ...summaryLines(own),
      ...(slos.length === 0 ? [] : ['', sloTable(slos)]),
      ...noteLines(slos),
      ...(incidents.length === 0 ? [] : ['', incidentTable(incidents)]),
    ]),
  ].join('\n');
}

function summaryLines({ slos, alerts, incidents, before }: ReportSummary): string[] {
  const { meanTimeToResolveMinutes: mean } = incidents;
  return [
    `SLOs ${slos.met} met, ${slos.missed} missed, ${slos.noData + slos.unknown} without data (before: ${before.slos.met}, ${before.slos.missed}, ${before.slos.noData + before.slos.unknown})`,
    `Alerts ${alerts.page} pages, ${alerts.ticket} tickets (before: ${before.alerts.page}, ${before.alerts.ticket})`,
    `Incidents ${incidents.declared}${mean === null ? '' : `, resolved in ${minutes(mean)} on average`} (before: ${before.incidents.declared})`,
  ];
}

const sloTable = (slos: readonly ReportSlo[]): string =>
  table(
    [
      { head: 'SLO', cell: (s) => s.slo },
      { head: 'OBJECTIVE', cell: (s) => `${percent(s.objective)} / ${s.window}` },
      { head: 'SLI', cell: (s) => percent(s.measured?.sli) },
      { head: 'BEFORE', cell: (s) => percent(s.before?.sli) },
      { head: 'VERDICT', cell: (s) => colour(s.verdict) },
      { head: 'SPENT', cell: (s) => percent(s.measured?.budget.spent, 1) },
      { head: 'BUDGET LEFT', cell: (s) => percent(s.measured?.budget.atEnd, 1) },
      {
        head: 'WORST DAY',
        cell: (s) => s.worstDay && `${s.worstDay.date} (${percent(s.worstDay.spent, 1)})`,
      },
      { head: 'PAGES', cell: (s) => s.alertCounts.page },
      { head: 'TICKETS', cell: (s) => s.alertCounts.ticket },
    ],
    [...slos],
  );

const noteLines = (slos: readonly ReportSlo[]): string[] =>
  slos.flatMap(({ slo, note }) => (note === null ? [] : [`${pc.yellow('note')} ${slo}: ${note}`]));

const incidentTable = (incidents: readonly ReportIncident[]): string =>
  table(
    [
      { head: 'INCIDENT', cell: (i) => i.id },
      { head: 'SEVERITY', cell: (i) => tone(i.severity) },
      { head: 'STATUS', cell: (i) => tone(i.status) },
      { head: 'DECLARED', cell: (i) => i.declaredAt },
      {
        head: 'TIME TO RESOLVE',
        cell: (i) => (i.timeToResolveMinutes === null ? null : minutes(i.timeToResolveMinutes)),
      },
      { head: 'TITLE', cell: (i) => i.title },
    ],
    [...incidents],
  );

const colour = (verdict: ReportSlo['verdict']): string =>
  verdict === 'met' ? pc.green(verdict) : verdict === 'missed' ? pc.red(verdict) : pc.yellow(verdict);
const minutes = (value: number): string => `${Number(value.toFixed(1))} min`;
