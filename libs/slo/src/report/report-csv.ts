import { groupName, type Report, type ReportSlo } from '@bellwether/contracts';

type Cell = string | number | null;

/** Columns of the table, in order. New ones are added at the end. */
const COLUMNS: Record<string, (slo: ReportSlo, report: Report) => Cell> = {
  period: (_, { at }) => at,
  from: (_, { from }) => from,
  to: (_, { to }) => to,
  time_zone: (_, { timeZone }) => timeZone,
  complete: (_, { complete }) => String(complete),
  team: ({ team }) => team,
  service: ({ service }) => service,
  slo: ({ slo }) => slo,
  objective: ({ objective }) => objective,
  window: ({ window }) => window,
  verdict: ({ verdict }) => verdict,
  sli: ({ measured }) => measured?.sli ?? null,
  good: ({ measured }) => measured?.good ?? null,
  total: ({ measured }) => measured?.total ?? null,
  coverage: ({ measured }) => measured?.coverage ?? null,
  budget_at_start: ({ measured }) => measured?.budget.atStart ?? null,
  budget_at_end: ({ measured }) => measured?.budget.atEnd ?? null,
  budget_lowest: ({ measured }) => measured?.budget.lowest ?? null,
  budget_spent: ({ measured }) => measured?.budget.spent ?? null,
  worst_day: ({ worstDay }) => worstDay?.date ?? null,
  worst_day_spent: ({ worstDay }) => worstDay?.spent ?? null,
  pages: ({ alertCounts }) => alertCounts.page,
  tickets: ({ alertCounts }) => alertCounts.ticket,
  alerts: ({ alerts }) =>
    alerts
      .map(({ severity, tier, group, firedAt }) => {
        const of = group === null ? '' : ` (${groupName(group)})`;
        return `${severity} ${tier}${of} ${firedAt}`;
      })
      .join('; '),
  incidents: ({ incidents }) => incidents.join('; '),
  mean_time_to_resolve_minutes: (slo, report) => meanTimeToResolve(slo, report),
  before_verdict: ({ before }) => before?.verdict ?? null,
  before_sli: ({ before }) => before?.sli ?? null,
  before_budget_spent: ({ before }) => before?.budget.spent ?? null,
  before_pages: ({ before }) => before?.alertCounts.page ?? null,
  before_tickets: ({ before }) => before?.alertCounts.ticket ?? null,
  note: ({ note }) => note,
};

/** The report's SLOs as CSV (RFC 4180): a head, then a line for each. Ratios are numbers, an absent one an empty cell. */
export function reportCsv(report: Report): string {
  const rows = report.groups.flatMap(({ slos }) => slos);
  const lines = [
    Object.keys(COLUMNS),
    ...rows.map((slo) => Object.values(COLUMNS).map((cell) => cell(slo, report))),
  ];
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

/**
 * A cell. Text that a spreadsheet would take for a formula gets an apostrophe before it, which shows that it is text; a
 * number is left as it is, since a negative one computes nothing.
 */
export function csvCell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^(\s*[=+\-@＝＋－＠]|[\t\r\n])/.test(value) ? `'${value}` : value;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function meanTimeToResolve({ incidents }: ReportSlo, { groups }: Report): number | null {
  const times = new Map(
    groups.flatMap((group) =>
      group.incidents.map((incident) => [incident.id, incident.timeToResolveMinutes] as const),
    ),
  );
  const took = incidents.map((id) => times.get(id) ?? null).filter((time) => time !== null);
  return took.length === 0 ? null : took.reduce((sum, time) => sum + time, 0) / took.length;
}
