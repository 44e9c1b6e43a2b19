import type { EscalationPolicy, Rule, Schedule, Sli, SloDefinition, User } from '@bellwether/contracts';
import { policyWarnings, scheduleGaps, scheduleWarnings, userWarnings } from '@bellwether/oncall';
import { componentWarnings, planRule, planSlo, sliDefinitionWarnings } from '@bellwether/slo';
import { type Known, notDefined } from './known.js';
import type { ManifestEntry } from './manifest.js';
import type { PlannedChange } from './plan.js';
import { referencesOf } from './references.js';

/** How far ahead gaps of a schedule are looked for, as the server does. */
const DAYS_AHEAD = 14;
const DAY = 86_400_000;

/** What the server would warn of when this is applied, as far as it can be known before. */
export async function foreseenWarnings(
  { entry, differences }: Pick<PlannedChange, 'entry' | 'differences'>,
  known: Known,
  now: Date,
): Promise<string[]> {
  const missing: string[] = [];
  for (const { kind, name, said } of referencesOf(entry))
    if ((await known.find(kind, name)) === undefined) missing.push(known.missing(said));
  return [...missing, ...(await ofKind(entry, known, { now, fields: differences.map(({ path }) => path) }))];
}

async function ofKind(
  entry: ManifestEntry,
  known: Known,
  { now, fields }: { now: Date; fields: string[] },
): Promise<string[]> {
  const definition: unknown = entry.resource;
  switch (entry.kind) {
    case 'user':
      return userWarnings(definition as User);
    case 'policy':
      return policyWarnings(definition as EscalationPolicy);
    case 'schedule':
      return [
        ...(await gapsOf(definition as Schedule, known, now.getTime())),
        ...scheduleWarnings(definition as Schedule),
      ];
    case 'sli':
      return ofSli(definition as Sli, known, fields.includes('unit'));
    case 'slo':
      return ofSlo(entry, known);
    case 'rule':
      return planned(planRule(definition as Rule, await unitOf(definition as Rule, known)));
    default:
      return [];
  }
}

/** Gaps that the layers leave; overrides may fill them, and then only the server can tell. */
async function gapsOf(schedule: Schedule, known: Known, now: number): Promise<string[]> {
  if (await known.hasOverrides(schedule.name)) return [];
  const state = {
    name: schedule.name,
    versions: [{ since: now, schedule, offsets: [] }],
    overrides: [],
  };
  const [gap] = scheduleGaps(state, now, now + DAYS_AHEAD * DAY);
  if (gap === undefined) return [];
  const [from, to] = [gap.from, gap.to].map((at) => new Date(at).toISOString());
  return [`nobody is on call from ${from} to ${to}`];
}

async function ofSlo(entry: ManifestEntry, known: Known): Promise<string[]> {
  const definition = entry.resource as unknown as SloDefinition;
  const { indicator } = definition;
  if (indicator.kind !== 'composite') return planned(planSlo(definition, await unitOf(definition, known)));
  const components = new Map<string, SloDefinition | undefined>();
  for (const { slo } of indicator.of) components.set(slo, await known.find<SloDefinition>('slo', slo));
  // Those that are not there have been told of.
  const missing = new Set(referencesOf(entry).map(({ said }) => notDefined(said)));
  const budgeted = componentWarnings(definition, (name) => components.get(name));
  return [...budgeted.filter((warning) => !missing.has(warning)), ...planned(planSlo(definition))];
}

/** Of the definitions that a server has only those matter that a new unit may not fit. */
async function ofSli(sli: Sli, known: Known, isNew: boolean): Promise<string[]> {
  return sliDefinitionWarnings(sli, {
    slos: isNew ? await known.onServer<SloDefinition>('slo') : [],
    rules: isNew ? await known.onServer<Rule>('rule') : [],
  });
}

const unitOf = async ({ service, sli }: { service: string; sli: string }, known: Known) =>
  (await known.find<Sli>('sli', `${service}/${sli}`))?.unit;

/** What a definition is warned of; one that the unit of its SLI rules out is refused when it is applied. */
function planned(
  plan: { ok: true; warnings: string[] } | { ok: false; faults: { path: string; message: string }[] },
): string[] {
  return plan.ok
    ? plan.warnings
    : plan.faults.map(({ path, message }) => `will be refused: ${path} ${message}`);
}
