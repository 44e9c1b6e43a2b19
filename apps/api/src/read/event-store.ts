import { CONTROL_JOURNAL, type EventEnvelope } from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import { type EventFilter, isOpen, wantedTypes } from './event-filter.js';
import { shownEnvelope } from './events.projection.js';
import type { ReadModels } from './read-models.js';

/** Reads the control log as it is shown; which of its events are wanted, the read model says. */
export class EventStore {
  constructor(
    private readonly log: Pick<EventLog, 'readJournal' | 'readPositions' | 'readAt' | 'head'>,
    private readonly models: ReadModels,
  ) {}

  /** Events after a position, in order. */
  async after(position: number, limit: number, filter: EventFilter): Promise<EventEnvelope[]> {
    if (isOpen(filter)) {
      const events = await this.log.readJournal(CONTROL_JOURNAL, { after: position, limit });
      return events.map(shownEnvelope);
    }
    await this.models.current('events');
    const wanted = wantedTypes(filter.type);
    const rows = await this.models.rows<{ position: string }>(
      'events',
      'list',
      (schema) => `select position from ${schema}.events
                    where position > $1
                      and ($3::text[] is null or type = any($3)
                           or exists (select from unnest($4::text[]) prefix where starts_with(type, prefix)))
                      and ($5::text is null or key = $5)
                      and ($6::text is null or correlation = $6)
                    order by position limit $2`,
      [
        position,
        limit,
        wanted?.names ?? null,
        wanted?.prefixes ?? null,
        filter.key ?? null,
        filter.correlation ?? null,
      ],
    );
    const events = await this.log.readPositions(
      CONTROL_JOURNAL,
      rows.map((row) => Number(row.position)),
    );
    return events.map(shownEnvelope);
  }

  /** Position of the last event of the control log. */
  async head(): Promise<number> {
    return (await this.log.head(CONTROL_JOURNAL)).position;
  }

  /** Position of an event of the control log by its id. */
  async positionOf(id: string): Promise<number | undefined> {
    const find = () =>
      this.models.rows<{ position: string }>(
        'events',
        'position',
        (schema) => `select position from ${schema}.events where id = $1::uuid`,
        [id],
      );
    let [row] = await find();
    if (row === undefined && (await this.models.current('events'))) [row] = await find();
    return row === undefined ? undefined : Number(row.position);
  }

  /** An event of the control log by its id. */
  async find(id: string): Promise<RecordedEvent | undefined> {
    const position = await this.positionOf(id);
    if (position === undefined) return undefined;
    return (await this.log.readAt(CONTROL_JOURNAL, position)) ?? undefined;
  }

  /** The measurement that an alert was decided on, by its id. */
  async findMeasurement(id: string): Promise<RecordedEvent | undefined> {
    const find = () =>
      this.models.rows<{ journal: string; position: string }>(
        'evidence',
        'measurement',
        (schema) => `select journal, position from ${schema}.measurements where id = lower($1)`,
        [id],
      );
    let [row] = await find();
    if (row === undefined && (await this.models.current('evidence'))) [row] = await find();
    return row === undefined
      ? undefined
      : ((await this.log.readAt(row.journal, Number(row.position))) ?? undefined);
  }
}
