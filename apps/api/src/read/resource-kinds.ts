import type { EventType } from '@bellwether/contracts';

/** Kinds of resources that are defined as a whole. */
export type ResourceKind = 'service' | 'sli' | 'slo' | 'rule' | 'user' | 'schedule' | 'policy' | 'freeze';

interface KindOf {
  /** The event that says the whole resource. */
  defined: EventType;
  /** The event that ends it. */
  retired?: EventType;
}

export const RESOURCE_KINDS: Readonly<Record<ResourceKind, KindOf>> = {
  service: { defined: 'service.defined' },
  sli: { defined: 'sli.defined' },
  slo: { defined: 'slo.defined', retired: 'slo.retired' },
  rule: { defined: 'rule.defined', retired: 'rule.retired' },
  user: { defined: 'user.defined' },
  schedule: { defined: 'schedule.defined' },
  policy: { defined: 'policy.defined' },
  freeze: { defined: 'freeze.defined', retired: 'freeze.retired' },
};

/** What an event says of a resource; undefined when it defines none. */
export function resourceEvent(type: string): { kind: ResourceKind; retired: boolean } | undefined {
  return BY_EVENT.get(type);
}

const BY_EVENT = new Map<string, { kind: ResourceKind; retired: boolean }>();
for (const [kind, { defined, retired }] of Object.entries(RESOURCE_KINDS) as [ResourceKind, KindOf][]) {
  BY_EVENT.set(defined, { kind, retired: false });
  if (retired) BY_EVENT.set(retired, { kind, retired: true });
}
