import {
  groupName,
  type IncidentAlert,
  markdownText as inline,
  markdownTable as table,
} from '@bellwether/contracts';
import type { IncidentReport, ReportPage, ReportPerson } from './report.js';
import type { ReportBudget } from './report-budget.js';

/** The report as Markdown (GitHub flavour). What people wrote is escaped: it is text, not markup. */
export function reportMarkdown(report: IncidentReport): string {
  const { incident, timeline } = report;
  return [
    `# ${incident.id}: ${inline(incident.title)}`,
    '',
    ...table(
      ['', ''],
      [
        ['Severity', incident.severity],
        ['Status', incident.mergedInto ? `merged into ${incident.mergedInto}` : incident.status],
        ['Services', incident.services.join(', ') || 'none'],
        ['Commander', incident.commander ?? 'nobody'],
        ['Responders', incident.responders.join(', ') || 'nobody'],
        ...times(report),
      ],
    ),
    ...(incident.summary ? ['', inline(incident.summary)] : []),
    ...section('Error budget', report.budgets, (budgets) =>
      table(
        ['SLO', 'left at start', 'at first alert', 'at last alert', 'left at end', 'spent'],
        budgets.map(budgetRow),
      ),
    ),
    ...section('Alerts', incident.alerts, (alerts) =>
      table(
        ['Alert', 'Service', 'Severity', 'Fired', 'Resolved'],
        alerts.map((alert) => [
          inline(alertName(alert)),
          alert.service,
          alert.severity,
          firedText(alert),
          alert.resolvedAt ?? 'still fires',
        ]),
      ),
    ),
    ...section('Suspect changes', report.suspects, (suspects) =>
      suspects.map((change) => `- ${change.at} ${inline(change.text)}${links(change.links)}`),
    ),
    ...section('Pages', report.pages, (pages) =>
      table(['Page', 'Requested', 'Paged', 'Deliveries', 'Escalations', 'Acknowledged'], pages.map(pageRow)),
    ),
    ...section('People', report.people, (people) => people.flatMap(personLines)),
    '',
    '## Timeline',
    '',
    ...table(
      ['Time (UTC)', 'Kind', 'What', 'Who'],
      timeline.map((entry) => [
        entry.at,
        entry.kind,
        `${entry.pinned ? '📌 ' : ''}${
          entry.correctedBy ? `~~${inline(entry.text)}~~ (corrected)` : inline(entry.text)
        }${entry.suspect ? ' (suspect)' : ''}${links(entry.links)}`,
        inline(entry.actor),
      ]),
    ),
    '',
  ].join('\n');
}

function firedText({ firedAt, firings, firstFiredAt }: IncidentAlert): string {
  return firings === undefined ? firedAt : `${firstFiredAt} (fired ${firings} times, last ${firedAt})`;
}

function alertName({ name, tier, group }: IncidentAlert): string {
  const which = [tier, group && groupName(group)].filter(Boolean).join(', ');
  return which ? `${name} (${which})` : name;
}

function times({ incident, durations }: IncidentReport): string[][] {
  return [
    ['Started', incident.startedAt],
    ['Detected', `${incident.detectedAt} (after ${minutes(durations.timeToDetectMinutes)})`],
    ['Acknowledged', withDuration(incident.acknowledgedAt, durations.timeToAcknowledgeMinutes)],
    ['Resolved', withDuration(incident.resolvedAt, durations.timeToResolveMinutes)],
  ];
}

function withDuration(at: string | null, duration: number | null): string {
  return at === null ? 'not yet' : `${at} (after ${minutes(duration)})`;
}

function minutes(value: number | null): string {
  return value === null ? 'unknown' : `${Number(value.toFixed(1))} min`;
}

function percent(value: number | null): string {
  return value === null ? 'unknown' : `${Number((value * 100).toFixed(2))} %`;
}

function budgetRow(budget: ReportBudget): string[] {
  return [
    inline(budget.slo),
    percent(budget.remainingAtStart),
    percent(budget.remainingAtFirst),
    percent(budget.remainingAtLast),
    percent(budget.remainingAtEnd),
    percent(budget.spent),
  ];
}

function pageRow(page: ReportPage): string[] {
  const answer = page.acknowledgedAt ? `${page.acknowledgedAt} by ${page.acknowledgedBy}` : 'no';
  const failed = page.failures > 0 ? ` delivered, ${page.failures} failed attempts` : '';
  return [
    page.id,
    page.requestedAt,
    page.users.join(', ') || (page.deliveries > 0 ? 'a webhook' : 'nobody'),
    `${page.deliveries}${failed}`,
    String(page.escalations),
    inline(answer),
  ];
}

function personLines({ user, roles, deeds }: ReportPerson): string[] {
  const held = roles.map(({ role, from, to }) => `${role} ${from} to ${to ?? 'the end'}`).join('; ');
  return [
    `- **${inline(user)}**${held ? ` (${held})` : ''}`,
    ...deeds.map((deed) => `  - ${deed.at} ${inline(deed.text)}`),
  ];
}

function section<T>(title: string, items: readonly T[], lines: (items: readonly T[]) => string[]): string[] {
  return items.length === 0 ? [] : ['', `## ${title}`, '', ...lines(items)];
}

function links(urls: readonly string[] | undefined): string {
  return (urls ?? []).map((url) => ` <${url.replace(/[<>|\s]/g, encodeURIComponent)}>`).join('');
}
