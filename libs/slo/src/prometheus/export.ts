import {
  DEFAULT_EVERY,
  formatDuration,
  type RuleGroup,
  type Sli,
  type SloDefinition,
} from '@bellwether/contracts';
import type { Definitions } from '../interchange/definitions.js';
import type { Note } from '../interchange/notes.js';
import { planSlo } from '../slo-plan.js';
import { MINUTE } from '../time-grid.js';
import { alertLabels, groupLabel, limitsOf } from './limits.js';
import { measureOf } from './measure.js';
import { queryFaults } from './query-text.js';
import { absentRule, SloRules } from './rule-set.js';

/** How often what is left of a budget is worked out: its window is long, and it changes slowly. */
const BUDGET_INTERVAL = '5m';

export interface PrometheusExportOptions {
  /** After how many cadences without a measurement an SLI is silent. Default 10. */
  absentCadences?: number;
}

/** Rules of Prometheus, and what of the definitions they do not say. */
export interface ExportedRules {
  groups: RuleGroup[];
  notes: Note[];
}

/**
 * Writes the SLOs whose SLIs have a `prometheus` source as rules for that Prometheus: the same queries, look-backs,
 * thresholds and floors, and an alert for each severity and tier. What a rule cannot say is in the notes.
 *
 * Each SLO has a group of its own with its recorded error ratios and alerts, one for what is left of the budget, and,
 * where it counts by the period or in slices, groups at the interval of those. Alerts of silent SLIs are in a group of
 * the SLI's.
 */
export function exportPrometheusRules(
  { slos, slis }: Pick<Definitions, 'slos' | 'slis'>,
  { absentCadences = 10 }: PrometheusExportOptions = {},
): ExportedRules {
  const groups: RuleGroup[] = [];
  const notes: Note[] = [];
  const silences = new Map<string, RuleGroup>();
  const addresses = new Map<string, string>();
  for (const slo of slos) {
    const note = (path: string, message: string) => notes.push({ object: `SLO ${slo.name}`, path, message });
    const sli = slis.find((one) => one.service === slo.service && one.name === slo.sli);
    const rules = rulesOf(slo, sli, note);
    if (sli === undefined || rules === null) continue;
    groups.push(...groupsOf(rules, sli));
    const address = `${sli.service}/${sli.name}`;
    const cadence = sli.cadence ?? sli.source?.every ?? DEFAULT_EVERY;
    const absent = absentRule(sli, rules.measures[0].presence, cadence, absentCadences);
    silences.set(address, { name: `bellwether-sli:${address}`, rules: [absent] });
    addresses.set(slo.name, sli.source?.prometheus?.url as string);
  }
  notes.push(...severalServers(addresses), ...published(slos, slis));
  return { groups: [...groups, ...silences.values()], notes };
}

function rulesOf(
  slo: SloDefinition,
  sli: Sli | undefined,
  note: (path: string, message: string) => void,
): SloRules | null {
  const address = `${slo.service}/${slo.sli}`;
  if (slo.indicator.kind === 'composite') {
    note(
      'indicator',
      'is made of other SLOs, which rules of Prometheus cannot count together: there are no rules',
    );
    return null;
  }
  if (sli === undefined) {
    note('sli', `${address} is not among these definitions: without its source there are no rules`);
    return null;
  }
  const source = sli.source?.prometheus;
  if (source === undefined) {
    return null; // told of for all such SLOs together
  }
  for (const { path, message } of queryFaults(source)) {
    note(
      'sli',
      `${path} of ${address} ${message}, and a file with it would be refused as a whole: there are no rules`,
    );
    return null;
  }
  const planned = planSlo(slo, sli.unit);
  if (!planned.ok) {
    for (const { path, message } of planned.faults) note(path, `${message}: there are no rules`);
    return null;
  }
  const measure = measureOf(slo, sli, source);
  if (typeof measure === 'string') {
    note('sli', `${measure}: there are no rules`);
    return null;
  }
  for (const warning of planned.warnings) {
    const [, path = '', message = warning] = /^([a-zA-Z.]+): (.*)$/s.exec(warning) ?? [];
    note(path, message);
  }
  for (const { path, message } of limitsOf(planned.plan, sli)) note(path, message);
  const by = groupLabel(slo);
  const groups = by === null ? [] : [measureOf(slo, sli, source, by)];
  return new SloRules(planned.plan, [measure, ...groups.filter((each) => typeof each !== 'string')]);
}

function groupsOf(rules: SloRules, sli: Sli): RuleGroup[] {
  const { definition, slice } = rules.plan;
  const name = `bellwether:${definition.name}`;
  const all: RuleGroup[] = [
    { name: `${name}:period`, interval: sli.source?.every ?? DEFAULT_EVERY, rules: rules.periods() },
    { name: `${name}:slice`, interval: formatDuration(slice * MINUTE), rules: rules.slices() },
    { name, rules: [...rules.errors(), ...rules.alerts(alertLabels(definition))] },
    { name: `${name}:budget`, interval: BUDGET_INTERVAL, rules: rules.budget() },
  ];
  return all.filter((group) => group.rules.length > 0);
}

/** SLOs whose measurements come from elsewhere; on a server that has both there are many of them. */
function published(slos: SloDefinition[], slis: Sli[]): Note[] {
  const without = slos.filter(({ service, sli, indicator }) => {
    const found = slis.find((one) => one.service === service && one.name === sli);
    return indicator.kind !== 'composite' && found !== undefined && found.source?.prometheus === undefined;
  });
  const [first] = without;
  if (first === undefined) return [];
  const message = 'published, and not fetched from a Prometheus: there are no rules';
  const remedy = 'source.prometheus to have them';
  return without.length === 1
    ? [
        {
          object: `SLO ${first.name}`,
          path: 'sli',
          message: `${first.service}/${first.sli} is ${message}. Give the SLI ${remedy}`,
        },
      ]
    : [
        {
          object: `${without.length} SLOs`,
          path: 'sli',
          message: `their SLIs are ${message} of ${without.map(({ name }) => name).join(', ')}. Give the SLIs ${remedy}`,
        },
      ];
}

/** Rules are for the one Prometheus that has the series. */
function severalServers(addresses: ReadonlyMap<string, string>): Note[] {
  const [first] = addresses.values();
  return [...addresses]
    .filter(([, url]) => url !== first)
    .map(([slo, url]) => ({
      object: `SLO ${slo}`,
      path: 'sli',
      message: `is fetched from ${url}, and others of these rules are for ${first}: export it by itself, and load its rules there`,
    }));
}
