import { type Kind, kinds, type ManifestEntry } from './manifest.js';

type Resource = Record<string, unknown>;

/** A server that is asked for what the manifests do not have. */
export interface Elsewhere {
  /** The resource at a path of the api; undefined: there is none. */
  find(path: string): Promise<Resource | undefined>;
  /** All resources of a list. */
  list(path: string): Promise<Resource[]>;
}

/** What there will be when manifests are applied: what they hold, and what a server has, where one is asked. */
export class Known {
  readonly #found = new Map<string, Promise<Resource | undefined>>();
  readonly #elsewhere: Elsewhere | undefined;

  constructor(entries: ManifestEntry[], elsewhere?: Elsewhere) {
    this.#elsewhere = elsewhere;
    for (const { kind, name, resource } of entries)
      this.#found.set(`${kind} ${name}`, Promise.resolve(resource));
  }

  /** Whether what is not found is nowhere; else it may be on a server that was not asked. */
  get isWhole(): boolean {
    return this.#elsewhere !== undefined;
  }

  /** What is said of something that is named and not there. */
  missing(said: string): string {
    return this.isWhole ? notDefined(said) : `${said} is not in these manifests`;
  }

  /** The resource by its name, an SLI by `service/name`. */
  find<T>(kind: Kind, name: string): Promise<T | undefined> {
    const id = `${kind} ${name}`;
    const found =
      this.#found.get(id) ?? this.#elsewhere?.find(pathOf(kind, name)) ?? Promise.resolve(undefined);
    this.#found.set(id, found);
    return found as Promise<T | undefined>;
  }

  /** What the server has of a kind; without a server nothing. */
  async onServer<T>(kind: Kind): Promise<T[]> {
    return ((await this.#elsewhere?.list(`/v1/${kinds[kind].plural}`)) ?? []) as T[];
  }

  /** Whether the server has overrides of a schedule. */
  async hasOverrides(schedule: string): Promise<boolean> {
    const page = await this.#elsewhere?.find(`/v1/schedules/${schedule}/overrides`);
    return ((page?.items as unknown[] | undefined) ?? []).length > 0;
  }
}

/** What the server says of something that is named before it is defined. */
export const notDefined = (said: string): string => `${said} is not defined yet`;

function pathOf(kind: Kind, name: string): string {
  const [service, sli] = name.split('/');
  return kinds[kind].path(kind === 'sli' ? { service, name: sli as string } : { name });
}
