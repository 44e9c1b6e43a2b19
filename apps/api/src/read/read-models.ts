import { isDatabaseAway } from '@bellwether/bus';
import type { EventLog, ParkedKey, Projector } from '@bellwether/event-log';
import type pg from 'pg';

/** Where read models stand, and what reads of them wait for. */
export class ReadModels {
  constructor(
    private readonly log: Pick<EventLog, 'head' | 'pool'>,
    private readonly projector: Pick<Projector, 'schemaOf' | 'waitFor' | 'parked' | 'state'>,
    /** How long a read waits for what its caller has seen elsewhere, and a write for its own effect. */
    private readonly patienceMs = 5_000,
  ) {}

  /** Rows of a read model. `sql` is given the schema that its tables are in at this moment. */
  async rows<R extends pg.QueryResultRow>(
    model: string,
    name: string,
    sql: (schema: string) => string,
    values: unknown[],
  ): Promise<R[]> {
    const read = async () => {
      const schema = this.projector.schemaOf(model);
      const { rows } = await this.log.pool.query<R>({ name: `${schema}-${name}`, text: sql(schema), values });
      return rows;
    };
    try {
      return await read();
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      // An idle connection does not know yet that the server was restarted; the next one is made anew.
      return read();
    }
  }

  /** Waits until every read model shows a position. @returns whether it does */
  shown(position: number): Promise<boolean> {
    return this.projector.waitFor(position, this.patienceMs);
  }

  /** Waits until a read model shows everything that the log held when this was called. */
  async current(model?: string): Promise<boolean> {
    const { position } = await this.log.head('control');
    return this.projector.waitFor(position, this.patienceMs, model);
  }

  /** What keeps a key of a read model as it was; undefined when it is shown as the log has it. */
  parked(model: string, key: string): ParkedKey | undefined {
    return this.projector.parked(model, key);
  }

  /**
   * Whether read models show everything that the log held when this was called, of every key: for answers that would be
   * wrong without one. @returns why they do not, or null
   */
  async incomplete(): Promise<string | null> {
    if (!(await this.current())) return 'the read models are behind the log';
    const model = this.projector.state().find(({ parked }) => parked.length > 0);
    if (model === undefined) return null;
    const [{ key, position }] = model.parked as [ParkedKey];
    return `the read model ${model.name} cannot take event ${position} of ${key}`;
  }
}
