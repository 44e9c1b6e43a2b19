import { type EventEnvelope, fromWireType } from '@bellwether/contracts';

/** What to see of the control log. */
export interface EventFilter {
  /** Names, or prefixes of names, separated by commas: `incident.declared`, `incident.*`, the wire's form too. */
  type?: string | undefined;
  key?: string | undefined;
  correlation?: string | undefined;
}

/** Names that are wanted, and prefixes of them with their last dot. */
export interface WantedTypes {
  names: string[];
  prefixes: string[];
}

/** Reads the `type` of a filter; undefined when it asks for every type. */
export function wantedTypes(type: string | undefined): WantedTypes | undefined {
  if (type === undefined) return undefined;
  const wanted: WantedTypes = { names: [], prefixes: [] };
  for (const part of type.split(',')) {
    if (part.endsWith('.*')) wanted.prefixes.push(part.slice(0, -1).replace(/^bellwether\./, ''));
    else wanted.names.push(/^bellwether\..+\.v\d+$/.test(part) ? fromWireType(part).type : part);
  }
  return wanted;
}

/** Whether nothing is filtered out. */
export const isOpen = (filter: EventFilter): boolean =>
  filter.type === undefined && filter.key === undefined && filter.correlation === undefined;

/** A test of shown events for a filter. */
export function matching(filter: EventFilter): (event: EventEnvelope) => boolean {
  const wanted = wantedTypes(filter.type);
  return (event) => {
    if (filter.key !== undefined && event.subject !== filter.key) return false;
    if (filter.correlation !== undefined && event.correlationid !== filter.correlation) return false;
    if (wanted === undefined) return true;
    const { type } = fromWireType(event.type);
    return wanted.names.includes(type) || wanted.prefixes.some((prefix) => type.startsWith(prefix));
  };
}
