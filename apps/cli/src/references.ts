import type {
  ChangeFreeze,
  EscalationPolicy,
  Rule,
  Schedule,
  Service,
  Sli,
  SloDefinition,
} from '@bellwether/contracts';
import type { Kind, ManifestEntry } from './manifest.js';

/** Something that a resource names. */
export interface Reference {
  kind: Kind;
  name: string;
  /** How it is spoken of, in the words of the server: `dependsOn: service db`. */
  said: string;
}

/** What a resource names, in the order in which the server speaks of what is not there. */
export function referencesOf({ kind, resource }: ManifestEntry): Reference[] {
  const of = REFERENCES[kind] as (resource: Record<string, unknown>) => Reference[];
  return of(resource);
}

const unique = (names: string[]): string[] => [...new Set(names)];
const plain =
  (kind: 'user' | 'schedule') =>
  (name: string): Reference => ({ kind, name, said: `${kind} ${name}` });
const serviceOf = (name: string, field = 'service'): Reference => ({
  kind: 'service',
  name,
  said: `${field}: ${name}`,
});
const sliOf = (name: string, field = 'sli'): Reference => ({ kind: 'sli', name, said: `${field}: ${name}` });
const policyOf = (name: string | undefined): Reference[] =>
  name === undefined ? [] : [{ kind: 'policy', name, said: `escalationPolicy: ${name}` }];

const REFERENCES = {
  user: () => [],
  schedule: ({ layers }: Schedule) =>
    unique(layers.flatMap(({ rotation }) => rotation.participants.flat())).map(plain('user')),
  policy: ({ steps }: EscalationPolicy) => {
    const targets = steps.flatMap((step) => step.targets);
    const named = (kind: 'user' | 'schedule') =>
      unique(targets.flatMap((target) => (target.kind === kind ? [target.name] : []))).map(plain(kind));
    return [...named('schedule'), ...named('user')];
  },
  service: ({ name, dependsOn, goldenSignals, escalationPolicy }: Service) => [
    ...dependsOn.map(
      (other): Reference => ({ kind: 'service', name: other, said: `dependsOn: service ${other}` }),
    ),
    ...Object.entries(goldenSignals ?? {}).flatMap(([signal, given]) =>
      given?.sli === undefined ? [] : [sliOf(`${name}/${given.sli}`, `goldenSignals.${signal}.sli`)],
    ),
    ...policyOf(escalationPolicy),
  ],
  sli: ({ service }: Sli) => [serviceOf(service)],
  slo: ({ service, sli, indicator, escalationPolicy }: SloDefinition) => [
    serviceOf(service),
    ...(indicator.kind === 'composite'
      ? indicator.of.map(
          ({ slo }, i): Reference => ({ kind: 'slo', name: slo, said: `indicator.of.${i}.slo: SLO ${slo}` }),
        )
      : [sliOf(`${service}/${sli}`)]),
    ...policyOf(escalationPolicy),
  ],
  rule: ({ service, sli, escalationPolicy }: Rule) => [
    serviceOf(service),
    sliOf(`${service}/${sli}`),
    ...policyOf(escalationPolicy),
  ],
  freeze: ({ services }: ChangeFreeze) =>
    services === '*' ? [] : services.map((name, i) => serviceOf(name, `services.${i}`)),
} satisfies Record<Kind, unknown>;
