import { LogStreams } from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import { incidentAt } from '@bellwether/incident';
import type { PageStore } from './page-store.js';
import type { ReadModels } from './read-models.js';

/** Reads everything from the log that the timeline and the report of an incident are made of. */
export class IncidentEvents {
  constructor(
    private readonly log: Pick<EventLog, 'readStream'>,
    private readonly pages: Pick<PageStore, 'idsOf'>,
    private readonly models: Pick<ReadModels, 'current'>,
  ) {}

  /** Empty when the incident was not declared (by then). */
  async of(id: string, asOf?: string): Promise<RecordedEvent[]> {
    const options = asOf === undefined ? {} : { recordedUntil: new Date(asOf) };
    const own = await this.log.readStream(LogStreams.incident(id), options);
    const state = incidentAt(id, own);
    if (state === null) return [];
    // Its pages are found by the read model, the rest in the log itself: the two must not tell different stories.
    await this.models.current('pages');
    const streams = [
      ...(await this.pages.idsOf(id)).map(LogStreams.page),
      ...new Set(
        state.alerts.map(({ kind, name }) => (kind === 'slo' ? LogStreams.slo(name) : LogStreams.rule(name))),
      ),
      ...state.services.map(LogStreams.change),
    ];
    const others = await Promise.all(streams.map((stream) => this.log.readStream(stream, options)));
    return [...own, ...others.flat()];
  }
}
