import { DEFAULT_EVERY } from '@bellwether/contracts';
import { needsScrapes } from '../prometheus/query-text.js';
import type { Definitions } from './definitions.js';

/**
 * What to know of SLIs that are imported with the default period: Sloth and OpenSLO have none, and with one that is
 * shorter than two scrapes every answer is empty. Null where a period was chosen, or none of the queries minds.
 */
export function periodWarning({ slis }: Pick<Definitions, 'slis'>): string | null {
  const unsaid = slis.filter(
    ({ source }) =>
      source?.prometheus !== undefined && source.every === undefined && needsScrapes(source.prometheus),
  );
  const [first, ...others] = unsaid.map(({ service, name }) => `${service}/${name}`);
  if (first === undefined) return null;
  const which = others.length === 0 ? `SLI ${first}` : `SLI ${first} and ${others.length} more`;
  return `${which}: rate and increase over {{.window}} look back over "every", ${DEFAULT_EVERY} here, and are empty unless it holds two scrapes of Prometheus, better four: if it scrapes less often than every 15s, import with --every 5m`;
}
