import type { EventLog, ReadStreamOptions } from '@bellwether/event-log';
import type { Folding } from './folded-projection.js';
import type { ReadModels } from './read-models.js';

/** A row of `folded`. */
export interface FoldedRow<View> {
  key: string;
  number: string;
  /** Null for one as it was known at a time. */
  view: View | null;
}

/** Views of the aggregates of a folded projection: as they are from its tables, as they were known from the log. */
export class FoldedViews<State, View extends { version: number }> {
  constructor(
    private readonly log: Pick<EventLog, 'readStream'>,
    private readonly models: ReadModels,
    private readonly folding: Folding<State, View>,
  ) {}

  async find(key: string, asOf?: string): Promise<View | undefined> {
    if (asOf !== undefined) return await this.#fold(key, { recordedUntil: new Date(asOf) });
    const [row] = await this.models.rows<{ view: View }>(
      this.folding.name,
      'find',
      (schema) => `select view from ${schema}.current where key = $1`,
      [key],
    );
    return row?.view;
  }

  /** The views of rows that a list has found, in their order. @param asOf the time that it was asked of */
  async of(rows: readonly FoldedRow<View>[], asOf?: string): Promise<View[]> {
    return await Promise.all(rows.map(({ key, view }) => view ?? this.#known(key, asOf)));
  }

  async #known(key: string, asOf: string | undefined): Promise<View> {
    const view = await this.find(key, asOf);
    if (view === undefined)
      throw new Error(`${this.folding.prefix}${key} is in the tables and not in the log`);
    return view;
  }

  async #fold(key: string, options: ReadStreamOptions): Promise<View | undefined> {
    const { prefix, evolve, view } = this.folding;
    const events = await this.log.readStream(`${prefix}${key}`, options);
    const state = events.reduce<State | null>(evolve, null);
    return state === null ? undefined : view(state, events.at(-1)?.version ?? 0);
  }
}
