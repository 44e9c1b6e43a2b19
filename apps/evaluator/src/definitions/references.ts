import type { Registry } from '../registry/registry.js';

/** What is said of a service that is named before it is defined: files may be applied in any order. */
export function serviceWarnings({ services }: Registry, name: string, field = 'service'): string[] {
  return services.has(name) ? [] : [`${field}: ${name} is not defined yet`];
}

export function sliWarnings({ slis }: Registry, sli: string): string[] {
  return slis.has(sli) ? [] : [`sli: ${sli} is not defined yet`];
}

export function policyWarnings({ policies }: Registry, name: string | undefined): string[] {
  return name === undefined || policies.has(name) ? [] : [`escalationPolicy: ${name} is not defined yet`];
}
