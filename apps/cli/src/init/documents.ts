import type { GoldenSignalsDefinition } from '@bellwether/contracts';
import { isCollection, isMap, Document as Yaml } from 'yaml';

/** What a person says of a service that is to be watched. */
export interface Answers {
  name: string;
  team: string | undefined;
  tier: number;
  /** Share of good events that is promised. */
  objective: number;
  /** Bound of the template's time, seconds. */
  seconds: number;
  /** Where runbooks are; each rule's is at its name below it. */
  runbooks: string;
  policy: string | undefined;
  dependsOn: string[];
}

/** One resource of a manifest, with what a reader should know of it. */
export interface Document {
  comment: string;
  resource: { kind: string; name: string } & Record<string, unknown>;
}

/** The text of a manifest. */
export function manifestOf(heading: string, documents: readonly Document[], ending: string): string {
  const parts = documents.map(({ comment, resource }) =>
    [...(comment === '' ? [] : [commented(comment)]), written(resource)].join('\n'),
  );
  return `${commented(heading)}\n${parts.join('\n---\n')}\n${ending}`;
}

/** A field a line: what is in it stands beside it. */
function written(resource: Document['resource']): string {
  const yaml = new Yaml(resource);
  for (const { value } of isMap(yaml.contents) ? yaml.contents.items : [])
    if (isCollection(value)) value.flow = true;
  return yaml.toString({ lineWidth: 0, flowCollectionPadding: true }).trimEnd();
}

const commented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');

export function service(answers: Answers, goldenSignals: GoldenSignalsDefinition): Document {
  const { name, team, tier, policy, dependsOn } = answers;
  return {
    comment:
      policy === undefined
        ? 'Tier 1 is the most critical. Who is paged is at the end of this file.'
        : 'Tier 1 is the most critical.',
    resource: {
      kind: 'service',
      name,
      ...(team === undefined ? {} : { team }),
      tier,
      ...(dependsOn.length === 0 ? {} : { dependsOn }),
      ...(policy === undefined ? {} : { escalationPolicy: policy }),
      goldenSignals,
    },
  };
}

export function sli({ name }: Answers, sliName: string, unit: string, description: string): Document {
  return { comment: '', resource: { kind: 'sli', service: name, name: sliName, unit, description } };
}

/** An objective over 30 days: what part of all events is good. */
export function slo(
  { name, runbooks }: Answers,
  sliName: string,
  comment: string,
  definition: Record<string, unknown>,
): Document {
  return {
    comment,
    resource: {
      kind: 'slo',
      name: `${name}-${sliName}`,
      service: name,
      sli: sliName,
      ...definition,
      budgeting: { method: 'occurrences' },
      window: { rolling: '30d' },
      runbookUrl: `${runbooks}/${name}-${sliName}`,
    },
  };
}

export const ratio = { kind: 'ratio' } as const;
export const within = (seconds: number) => ({ kind: 'threshold', op: 'lte', value: seconds, unit: 's' });

/** A threshold rule of the service. */
export function rule(
  { name, runbooks }: Answers,
  suffix: string,
  comment: string,
  definition: Record<string, unknown>,
): Document {
  const { summary, ...rest } = definition;
  return {
    comment,
    resource: {
      kind: 'rule',
      name: `${name}-${suffix}`,
      service: name,
      ...rest,
      summary: `${name}: ${summary}`,
      runbookUrl: `${runbooks}/${name}-${suffix}`,
    },
  };
}

/** Ten digits: 0.3 of 0.1 is 0.03. */
export const rounded = (value: number): number => Number(value.toPrecision(10));
