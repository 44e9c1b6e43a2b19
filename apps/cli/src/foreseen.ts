import type {
  EscalationPolicy,
  Fault,
  Rule,
  Schedule,
  Service,
  Sli,
  SloDefinition,
  User,
} from '@bellwether/contracts';
import {
  gapWarnings,
  type PlacedSecret,
  policyWarnings,
  scheduleGaps,
  scheduleWarnings,
  secretsOfPolicy,
  secretsOfUser,
  secretWarnings,
  unkeptSecrets,
  userWarnings,
} from '@bellwether/oncall';
import { componentWarnings, planRule, planSlo, signalFaults, sliDefinitionWarnings } from '@bellwether/slo';
import { type Known, notDefined } from './known.js';
import type { ManifestEntry } from './manifest.js';
import type { PlannedChange } from './plan.js';
import { referencesOf } from './references.js';

/** How far ahead gaps of a schedule are looked for, as the server does. */
const DAYS_AHEAD = 14;
const DAY = 86_400_000;

/** What the server would warn of when this is applied, as far as it can be known before. */
export async function foreseenWarnings(
  { entry, current, differences }: Pick<PlannedChange, 'entry' | 'current' | 'differences'>,
  known: Known,
  now: Date,
): Promise<string[]> {
  const missing: string[] = [];
  for (const { kind, name, said } of referencesOf(entry))
    if ((await known.find(kind, name)) === undefined) missing.push(known.missing(said));
  return [
    ...missing,
    ...(await ofKind(entry, known, { now, current, fields: differences.map(({ path }) => path) })),
  ];
}

/**
 * What the server would refuse a resource for because of what there is besides it. What is wrong with it alone is told
 * when it is read.
 */
export async function foreseenRefusals(
  { entry: { kind, resource }, current }: Pick<PlannedChange, 'entry' | 'current'>,
  known: Known,
): Promise<Fault[]> {
  const definition: unknown = resource;
  const before: unknown = current;
  switch (kind) {
    case 'user':
      return known.isWhole ? unkept(secretsOfUser, definition as User, before as User | undefined) : [];
    case 'policy':
      return known.isWhole
        ? unkept(secretsOfPolicy, definition as EscalationPolicy, before as EscalationPolicy | undefined)
        : [];
    case 'slo':
      return faultsOf(await planned(planSlo, definition as SloDefinition, known));
    case 'rule':
      return faultsOf(await planned(planRule, definition as Rule, known));
    case 'service':
      return ofSignals(definition as Service, known);
    default:
      return [];
  }
}

/** Secrets that are to stay as they are, and are not there. */
const unkept = <T>(secretsOf: (resource: T) => PlacedSecret[], given: T, stored: T | undefined): Fault[] =>
  unkeptSecrets(secretsOf(given), stored === undefined ? [] : secretsOf(stored));

/** A service is applied before its SLIs: its signals are held against those that the server has by then. */
async function ofSignals({ name, goldenSignals }: Service, known: Known): Promise<Fault[]> {
  if (goldenSignals === undefined || !known.isWhole) return [];
  const slis = await known.onServer<Sli>('sli');
  return signalFaults(
    name,
    goldenSignals,
    slis.filter(({ service }) => service === name),
  );
}

async function ofKind(
  entry: ManifestEntry,
  known: Known,
  { now, current, fields }: { now: Date; current: unknown; fields: string[] },
): Promise<string[]> {
  const definition: unknown = entry.resource;
  switch (entry.kind) {
    case 'user':
      return [...userWarnings(definition as User), ...secretWarnings(secretsOfUser(definition as User))];
    case 'policy':
      return [
        ...policyWarnings(definition as EscalationPolicy),
        ...secretWarnings(secretsOfPolicy(definition as EscalationPolicy)),
      ];
    case 'schedule':
      return [
        ...(await gapsOf(definition as Schedule, known, now.getTime())),
        ...scheduleWarnings(definition as Schedule),
      ];
    case 'sli':
      return ofSli(definition as Sli, known, fields.includes('unit') ? (current as Sli) : undefined);
    case 'slo':
      return ofSlo(entry, known);
    case 'rule':
      return warningsOf(await planned(planRule, definition as Rule, known));
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
  return gapWarnings(scheduleGaps(state, now, now + DAYS_AHEAD * DAY));
}

async function ofSlo(entry: ManifestEntry, known: Known): Promise<string[]> {
  const definition = entry.resource as unknown as SloDefinition;
  const { indicator } = definition;
  if (indicator.kind !== 'composite') return warningsOf(await planned(planSlo, definition, known));
  const components = new Map<string, SloDefinition | undefined>();
  for (const { slo } of indicator.of) components.set(slo, await known.find<SloDefinition>('slo', slo));
  // Those that are not there have been told of.
  const missing = new Set(referencesOf(entry).map(({ said }) => notDefined(said)));
  const budgeted = componentWarnings(definition, (name) => components.get(name));
  return [...budgeted.filter((warning) => !missing.has(warning)), ...warningsOf(planSlo(definition))];
}

/** Of the definitions that a server has only those matter that a new unit may not fit. @param replaced of another unit */
async function ofSli(sli: Sli, known: Known, replaced: Sli | undefined): Promise<string[]> {
  const users = {
    slos: replaced ? await known.onServer<SloDefinition>('slo') : [],
    rules: replaced ? await known.onServer<Rule>('rule') : [],
  };
  return sliDefinitionWarnings(sli, users, replaced);
}

type Plan = { ok: true; warnings: string[] } | { ok: false; faults: Fault[] };

/** What becomes of a definition with the unit that its SLI will have by then: SLIs are applied before what uses them. */
async function planned<D extends { service: string; sli: string }>(
  plan: (definition: D, sliUnit?: string) => Plan,
  definition: D,
  known: Known,
): Promise<Plan> {
  const sli = await known.find<Sli>('sli', `${definition.service}/${definition.sli}`);
  return plan(definition, sli?.unit);
}

const warningsOf = (plan: Plan): string[] => (plan.ok ? plan.warnings : []);
const faultsOf = (plan: Plan): Fault[] => (plan.ok ? [] : plan.faults);
