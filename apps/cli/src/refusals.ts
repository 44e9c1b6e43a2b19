import {
  type ChangeFreeze,
  checkedBy,
  type EscalationPolicy,
  type Fault,
  type Rule,
  type SloDefinition,
  type User,
} from '@bellwether/contracts';
import { secretFaults, secretsOfPolicy, secretsOfUser } from '@bellwether/oncall';
import { freezeFaults, planRule, planSlo } from '@bellwether/slo';
import type { z } from 'zod';

type Fields = Record<string, unknown>;

/**
 * What a manifest says, or everything that is wrong with it: what its fields must not be, and, as far as that can be told
 * beside wrong fields, what they must not be together. The server says the one, and once that is mended the other.
 */
export function resourceOf(
  kind: string,
  schema: z.ZodType,
  raw: Fields,
): { ok: true; resource: Fields } | { ok: false; faults: Fault[] } {
  const faults: Fault[] = [];
  const replaced = new Set<string>();
  for (let given = raw; ; ) {
    const checked = checkedBy(schema, given);
    const found = (checked.ok ? togetherFaults(kind, checked.data) : checked.faults).filter(
      ({ path }) => !replaced.has(fieldOf(path)),
    );
    faults.push(...found);
    if (checked.ok)
      return faults.length === 0 ? { ok: true, resource: checked.data as Fields } : { ok: false, faults };
    const wrong = found.map(({ path }) => fieldOf(path));
    const standIns = standInsFor(kind, wrong);
    if (standIns === undefined) return { ok: false, faults };
    for (const field of [...wrong, ...Object.keys(standIns)]) replaced.add(field);
    given = {
      ...Object.fromEntries(Object.entries(given).filter(([field]) => !replaced.has(field))),
      ...standIns,
    };
  }
}

/** What the server would refuse of a resource whose fields are what they must be, each by itself. */
function togetherFaults(kind: string, resource: unknown): Fault[] {
  switch (kind) {
    case 'user':
      return secretFaults(secretsOfUser(resource as User));
    case 'policy':
      return secretFaults(secretsOfPolicy(resource as EscalationPolicy));
    case 'slo':
      return faultsOf(planSlo(resource as SloDefinition));
    case 'rule':
      return faultsOf(planRule(resource as Rule));
    case 'freeze':
      return freezeFaults(resource as ChangeFreeze);
    default:
      return [];
  }
}

const faultsOf = (planned: { ok: true } | { ok: false; faults: Fault[] }): Fault[] =>
  planned.ok ? [] : planned.faults;

const fieldOf = (path: string): string => path.split('.')[0] as string;

/**
 * Values in the place of wrong ones that nothing else is measured against: with them the other fields are judged as they
 * would be with any right one. A wrong `budgeting` has none, since indicator, floors and window all depend on it.
 */
const STAND_INS: Partial<Record<string, Fields>> = {
  slo: {
    name: 'stand-in',
    service: 'stand-in',
    sli: 'stand-in',
    // The smallest budget: no burn rate is too high for it.
    objective: 0.999999999,
    indicator: { kind: 'threshold', op: 'lte', value: 0 },
    window: { rolling: '400d' },
    alerting: { preset: 'none' },
  },
  rule: { name: 'stand-in', window: '5m', severity: 'page', summary: 'x', runbookUrl: 'http://x/' },
};

/** Fields that others are measured against, and that have no neutral value. */
const MEASURES: Partial<Record<string, readonly string[]>> = {
  slo: ['budgeting'],
  rule: ['service', 'sli', 'aggregate', 'op', 'threshold', 'unit', 'clear', 'for'],
};

/** Stand-ins for wrong fields, which are left out where they have none; undefined: nothing more can be told. */
function standInsFor(kind: string, wrong: string[]): Fields | undefined {
  const standIns = STAND_INS[kind];
  const measures = ['', ...(MEASURES[kind] ?? [])];
  if (standIns === undefined || wrong.length === 0) return undefined;
  if (wrong.some((field) => measures.includes(field))) return undefined;
  // Whether an SLO has an SLI depends on its indicator.
  const fields = kind === 'slo' && wrong.includes('indicator') ? [...wrong, 'sli'] : wrong;
  return Object.fromEntries(
    fields.filter((field) => Object.hasOwn(standIns, field)).map((field) => [field, standIns[field]]),
  );
}
