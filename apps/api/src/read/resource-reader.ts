import { z } from 'zod';
import { Answer } from '../routing/answer.js';
import { type ListPage, Paging } from '../routing/cursor.js';
import { atLeast, type ReadOptions } from './freshness.js';
import { ReadModels } from './read-models.js';
import type { ResourceKind } from './resource-kinds.js';
import { ResourceStore } from './resource-store.js';

/** Where the read model has a resource. */
const placeOf = (kind: ResourceKind, key: string) => ({ model: 'resources', key: `${kind}:${key}` });

/** Resources as the API gives them. */
export class ResourceReader {
  constructor(
    private readonly store: ResourceStore,
    private readonly models: ReadModels,
  ) {}

  /** The resource with its version as ETag. @throws CommandRefused 404 */
  async get(kind: ResourceKind, key: string, { asOf, minVersion }: ReadOptions): Promise<Answer> {
    const found = await atLeast(
      this.models,
      `the ${kind} ${key}`,
      minVersion,
      () => this.store.find(kind, key, asOf),
      placeOf(kind, key),
    );
    return new Answer(found.data, { version: found.version });
  }

  /** A page of the resources of a kind, by key. */
  async list(
    kind: ResourceKind,
    query: { limit?: number | undefined; cursor?: string | undefined; asOf?: string | undefined },
    service?: string,
  ): Promise<ListPage<unknown>> {
    const { asOf } = query;
    const paging = Paging.of(query, [kind, asOf, service], z.string());
    const rows = await this.store.list(kind, paging, { asOf, service });
    return paging.page(
      rows,
      ({ key }) => key,
      ({ data }) => data,
    );
  }

  /** Version of the resource, 0 when there is none (any more). */
  async version(kind: ResourceKind, key: string): Promise<number> {
    return (await this.store.find(kind, key))?.version ?? 0;
  }

  /** Waits for a version, when one is asked for. @throws CommandRefused 404 */
  async atVersion(kind: ResourceKind, key: string, minVersion: number | undefined): Promise<void> {
    if (minVersion === undefined) return;
    await atLeast(
      this.models,
      `the ${kind} ${key}`,
      minVersion,
      () => this.store.find(kind, key),
      placeOf(kind, key),
    );
  }
}
