import { DEFAULT_EVERY, durationMillis, formatDuration, queryOver, type Sli } from '@bellwether/contracts';
import type { SloPlan } from '../slo-plan.js';
import { MINUTE } from '../time-grid.js';
import { literal } from './promql.js';
import { parsePromql } from './syntax.js';

/** A label name that Prometheus takes and that says nothing else already. */
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;
const TAKEN: ReadonlySet<string> = new Set(['alertname', 'slo', 'service', 'sli', 'severity', 'tier']);

/** The labels of an SLO that its alerts can carry. */
export function alertLabels({ labels, owner, groupBy }: SloPlan['definition']): Record<string, string> {
  const given = { ...(owner === undefined ? {} : { owner }), ...labels };
  return Object.fromEntries(
    Object.entries(given)
      .filter(([key]) => LABEL.test(key) && !TAKEN.has(key) && key !== groupBy?.label)
      .map(([key, label]) => [key, literal(label)]),
  );
}

/** The label that an SLO is grouped by; null when it is not, or when series of Prometheus cannot have it. */
export function groupLabel({ groupBy }: SloPlan['definition']): string | null {
  return groupBy !== undefined && LABEL.test(groupBy.label) && !TAKEN.has(groupBy.label)
    ? groupBy.label
    : null;
}

/** What an SLO says that rules of Prometheus do not, or not in the same way: by field. */
export function limitsOf(plan: SloPlan, sli: Sli): { path: string; message: string }[] {
  const { definition } = plan;
  const { indicator, missingData } = definition;
  const found: { path: string; message: string }[] = [];
  const say = (path: string, message: string) => found.push({ path, message });

  if (missingData === 'freeze')
    say('missingData', 'an alert of Prometheus ends when data is absent; here it holds until there is data');
  else if (plan.rule !== null)
    say(
      'missingData',
      `Prometheus does not know when the SLI began: until a window is full, the time before counts as ${missingData}`,
    );
  if ('calendar' in definition.window)
    say(
      'window',
      'PromQL has no range for a period of the calendar: there is no rule for what is left of the budget',
    );
  if (indicator.kind === 'percentile')
    say(
      'indicator',
      'Prometheus interpolates percentiles, here they are exact to 1 %; of several series the worst counts, here their values are one',
    );
  if (definition.groupBy !== undefined)
    say(
      'groupBy',
      groupLabel(definition) === null
        ? `"${definition.groupBy.label}" is no label of Prometheus, or one that the rules use: there are rules for the whole only`
        : `Prometheus has no cap of groups: each value of ${definition.groupBy.label} is one, beyond ${definition.groupBy.cap}, too`,
    );
  found.push(...sourceLimits(plan, sli));

  const dropped = Object.keys(definition.labels).filter((key) => !(key in alertLabels(definition)));
  const own = dropped.filter((key) => LABEL.test(key));
  const impossible = dropped.filter((key) => !LABEL.test(key));
  if (own.length > 0)
    say(
      'labels',
      `${own.join(', ')}: left out, since the exported rules set ${own.length === 1 ? 'a label of that name themselves: rename it' : 'labels of these names themselves: rename them'} in the SLO to have ${own.length === 1 ? 'it' : 'them'} on the alerts`,
    );
  if (impossible.length > 0)
    say('labels', `${impossible.join(', ')}: left out, since Prometheus has no labels of such names`);
  if (definition.escalationPolicy !== undefined)
    say('escalationPolicy', 'is left out: Alertmanager routes alerts by their labels');
  if (definition.errorBudgetPolicy !== undefined) say('errorBudgetPolicy', 'is left out: rules only alert');
  return found;
}

function sourceLimits({ pairs, indicator }: SloPlan, sli: Sli): { path: string; message: string }[] {
  const every = sli.source?.every ?? DEFAULT_EVERY;
  const { good, bad, total, query } = sli.source?.prometheus ?? {};
  const queries = [good, bad, total, query];
  const found: { path: string; message: string }[] = [];
  if (query !== undefined && queryOver(query, '') !== query && indicator.kind === 'ratio')
    found.push({
      path: 'sli',
      message: `the query says the ratio over each look-back itself; here a look-back is the mean of the ratios of each ${every}, which differs when traffic is uneven`,
    });
  if (queries.some((text) => text !== undefined && parsePromql(text) === null))
    found.push({
      path: 'sli',
      message:
        'a query cannot be read as PromQL: a Prometheus that cannot read it refuses the file with its rules as a whole; in MetricsQL they are for vmalert',
    });
  const shortest = Math.min(...pairs.map(({ shortMinutes }) => shortMinutes));
  if (durationMillis(every) > shortest * MINUTE)
    found.push({
      path: 'alerting',
      message: `a look-back of ${formatDuration(shortest * MINUTE)} is mostly empty with a source that is asked every ${every}: an alert ends between its points`,
    });
  return found;
}
