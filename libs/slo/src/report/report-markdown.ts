import {
  markdownTable,
  markdownText,
  type Report,
  type ReportIncident,
  type ReportSlo,
  type ReportSummary,
  sloName,
} from '@bellwether/contracts';

/** The report as Markdown (GitHub flavour). What people wrote is escaped: it is text, not markup. */
export function reportMarkdown(report: Report): string {
  const { period, at, from, to, timeZone, complete, asOf, before, groupBy, summary, groups } = report;
  return [
    `# SLO report: ${period} ${at}`,
    '',
    `${from} to ${to} (${markdownText(timeZone)}), compared with ${before.at}. As of ${asOf}${
      complete ? '' : '; **it is not over yet**'
    }.`,
    '',
    ...summaryLines(summary),
    ...groups.flatMap((group) => [
      '',
      `## ${group.name === null ? `No ${groupBy}` : `${groupBy === 'team' ? 'Team' : 'Service'} ${markdownText(group.name)}`}`,
      '',
      ...summaryLines(group.summary),
      ...(group.slos.length === 0 ? [] : ['', ...sloTable(group.slos)]),
      ...alertLines(group.slos),
      ...(group.incidents.length === 0 ? [] : ['', ...incidentTable(group.incidents)]),
    ]),
    '',
  ].join('\n');
}

function summaryLines({ slos, alerts, incidents, mostSpent, before }: ReportSummary): string[] {
  const others = [
    ...(slos.noData > 0 ? [`${slos.noData} without data`] : []),
    ...(slos.unknown > 0 ? [`${slos.unknown} not measured`] : []),
  ];
  return [
    `- SLOs: ${[`${slos.met} of ${slos.total} met`, `${slos.missed} missed`, ...others].join(', ')} (before: ${before.slos.met} of ${before.slos.total} met)`,
    `- Alerts: ${counted(alerts.page, 'page')}, ${counted(alerts.ticket, 'ticket')} (before: ${before.alerts.page} and ${before.alerts.ticket})`,
    `- Incidents: ${incidents.declared} declared, ${incidents.resolved} of them resolved${
      incidents.meanTimeToResolveMinutes === null
        ? ''
        : `, in ${minutes(incidents.meanTimeToResolveMinutes)} on average`
    } (before: ${before.incidents.declared})`,
    ...(mostSpent === null
      ? []
      : [`- Most budget spent: ${markdownText(mostSpent.slo)}, ${percent(mostSpent.spent, 1)}`]),
  ];
}

const sloTable = (slos: readonly ReportSlo[]): string[] =>
  markdownTable(
    [
      'SLO',
      'Objective',
      'SLI',
      'Before',
      'Verdict',
      'Spent',
      'Before',
      'Budget left',
      'Worst day',
      'Pages',
      'Tickets',
    ],
    slos.map((slo) => [
      markdownText(slo.slo),
      `${percent(slo.objective)} over ${slo.window}`,
      percent(slo.measured?.sli),
      percent(slo.before?.sli),
      VERDICTS[slo.verdict],
      percent(slo.measured?.budget.spent, 1),
      percent(slo.before?.budget.spent, 1),
      percent(slo.measured?.budget.atEnd, 1),
      slo.worstDay === null ? '–' : `${slo.worstDay.date} (${percent(slo.worstDay.spent, 1)})`,
      String(slo.alertCounts.page),
      String(slo.alertCounts.ticket),
    ]),
  );

/** When alerts fired, and what there is to know of the numbers. */
function alertLines(slos: readonly ReportSlo[]): string[] {
  const lines = slos.flatMap(({ slo, alerts, note }) => [
    ...(note === null ? [] : [`- ${markdownText(slo)}: ${markdownText(note)}`]),
    ...alerts.map(
      ({ severity, tier, group, firedAt, resolvedAt }) =>
        `- ${markdownText(sloName({ slo, group: group ?? undefined }))}: ${severity} ${markdownText(tier)} from ${firedAt} to ${resolvedAt ?? 'now'}`,
    ),
  ]);
  return lines.length === 0 ? [] : ['', ...lines];
}

const incidentTable = (incidents: readonly ReportIncident[]): string[] =>
  markdownTable(
    ['Incident', 'Severity', 'Status', 'Declared', 'Time to resolve', 'Title'],
    incidents.map((incident) => [
      incident.id,
      incident.severity,
      incident.status,
      incident.declaredAt,
      incident.timeToResolveMinutes === null ? '–' : minutes(incident.timeToResolveMinutes),
      markdownText(incident.title),
    ]),
  );

const VERDICTS: Record<ReportSlo['verdict'], string> = {
  met: 'met',
  missed: '**missed**',
  'no-data': 'no data',
  unknown: 'not measured',
};

const percent = (ratio: number | null | undefined, digits = 3): string =>
  ratio === null || ratio === undefined ? '–' : `${Number((ratio * 100).toFixed(digits))} %`;
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
const minutes = (value: number): string => `${Number(value.toFixed(1))} min`;
