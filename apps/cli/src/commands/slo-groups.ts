import type { SloGrouping, SloGroupStatus, SloStatus } from '@bellwether/contracts';
import { amount, burnCell, type Column, percent, relative, table, tone } from '../output.js';

/** The groups of an SLO as people read them, the worst first. */
export function groupTable({ slo, grouping, groups }: SloStatus, now: Date): string {
  if (grouping === undefined || groups === undefined) return `SLO ${slo} is not grouped`;
  const rows = groups.length === 0 ? [noneYet(grouping)] : [table(groupColumns(grouping, now), groups)];
  return [...rows, ...notes(grouping)].join('\n');
}

/** One line about the groups of an SLO: how many there are, and which are not well. */
export function groupLine({ grouping, groups }: Pick<SloStatus, 'grouping' | 'groups'>): string | null {
  if (grouping === undefined || groups === undefined) return null;
  if (groups.length === 0) return `by ${grouping.label}: ${noneYet(grouping)}`;
  const ill = groups.filter(({ state }) => state === 'breached' || state === 'at-risk');
  const named = ill.slice(0, SAID).map(({ value, state }) => `${said(value)} ${tone(state)}`);
  const more = ill.length > SAID ? [`${ill.length - SAID} more`] : [];
  return `by ${grouping.label}: ${[`${groups.length} groups`, ...named, ...more].join(', ')}`;
}

/** A label may be any text: what would move the cursor is left out. */
const said = (value: string): string => value.replace(/\p{Cc}+/gu, ' ');

/** Groups that are named in one line. */
const SAID = 5;

const noneYet = ({ backfill }: SloGrouping): string =>
  backfill === null ? 'no groups yet' : `being made from the log: ${backfill.done} of ${backfill.of}`;

/** What is in no group, or in one with others, and what to do about it. */
function notes({ label, cap, overflowing, unlabelled }: SloGrouping): string[] {
  const notes: string[] = [];
  if (overflowing)
    notes.push(
      `more than ${cap} values of ${label} came: the others are together in __other__ (groupBy.cap)`,
    );
  if (unlabelled !== null && unlabelled.total > 0)
    notes.push(
      `without the label ${label}, and so in no group: ${amount(unlabelled.good)} good of ${amount(unlabelled.total)}`,
    );
  return notes;
}

const groupColumns = ({ label }: SloGrouping, now: Date): Column<SloGroupStatus>[] => [
  { head: label.toUpperCase(), cell: (g) => said(g.value) },
  { head: 'STATE', cell: (g) => `${tone(g.state)}${g.frozen ? ' (frozen)' : ''}` },
  { head: 'SLI', cell: (g) => percent(g.sli) },
  { head: 'TOTAL', cell: (g) => amount(g.total) },
  { head: 'BUDGET LEFT', cell: (g) => percent(g.budget.remaining, 1) },
  { head: 'BURN', cell: (g) => burnCell(g.burn) },
  {
    head: 'FIRING',
    cell: (g) => g.alerts.filter((a) => a.state === 'firing').map((a) => `${a.severity}-${a.tier}`),
  },
  { head: 'NEWEST DATA', cell: (g) => relative(g.watermark, now) },
];

/** What a composite is made of, in one line. */
export const componentLine = (components: NonNullable<SloStatus['components']>): string =>
  components
    .map(
      ({ slo, weight, known }) =>
        `${slo}${weight === 1 ? '' : ` × ${weight}`}${known ? '' : ' (not defined)'}`,
    )
    .join(', ');
