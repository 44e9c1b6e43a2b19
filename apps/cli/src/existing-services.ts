import { isDeepStrictEqual } from 'node:util';
import { parseOrRefuse, type Service, service } from '@bellwether/contracts';
import { CliError } from './errors.js';
import type { HttpClient } from './http.js';
import { kinds } from './manifest.js';

/**
 * Services that another tool's files name, with what the server has of them besides: those files know a name and little
 * more, and a manifest is the whole resource, so that applying it would take tier and escalation policy away.
 * @returns also what is to be said where the server could not be asked
 */
export async function withExisting(
  named: readonly Service[],
  http: Pick<HttpClient, 'find'>,
): Promise<{ services: Service[]; warnings: string[] }> {
  try {
    const services: Service[] = [];
    for (const one of named) {
      const found = await http.find<unknown>(kinds.service.path(one));
      services.push(found === undefined ? one : over(existing(found), one));
    }
    return { services, warnings: [] };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { services: [...named], warnings: [notAsked(named, error.message)] };
  }
}

/** Fields that this program does not know would be lost unseen: then it refuses. */
const existing = (found: unknown): Service => parseOrRefuse(service, found, 'the service of the server');

/** What the files say stands; a default is nothing that they said. */
function over(before: Service, said: Service): Service {
  const unsaid = service.parse({ name: said.name });
  const fields = Object.entries(said).filter(
    ([field, value]) => field === 'name' || !isDeepStrictEqual(value, unsaid[field as keyof Service]),
  );
  return { ...before, ...Object.fromEntries(fields) };
}

function notAsked(named: readonly Service[], why: string): string {
  const [what, is] =
    named.length === 1
      ? [`service ${named[0]?.name}`, 'it is']
      : [`services ${named.map(({ name }) => name).join(', ')}`, 'one of them is'];
  return `${what}: if ${is} defined already, applying this takes away what it has, such as tier and escalationPolicy, since the server could not be asked: ${why}. Leave services out with --no-services`;
}
