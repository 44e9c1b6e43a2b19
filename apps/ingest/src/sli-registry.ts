import { CONTROL_JOURNAL, LogStreams, sliDefined } from '@bellwether/contracts';
import { type EventLog, type EventMeta, StreamExists } from '@bellwether/event-log';
import { isOfTheMoment, LogBusy } from './log-busy.js';
import { Refusal } from './measurement/refusal.js';

/** Knows which SLIs are defined, and defines one from its first measurement unless the installation is strict. */
export class SliRegistry {
  // Definitions are never taken back, so what was seen once holds.
  readonly #known = new Set<string>();
  readonly #asked = new Map<string, Promise<void>>();

  constructor(
    private readonly log: Pick<EventLog, 'append' | 'streamVersion'>,
    private readonly options: { strict: boolean },
  ) {}

  /** Whether the SLI is known to be defined, without asking the log. */
  knows(service: string, sli: string): boolean {
    return this.#known.has(`${service}/${sli}`);
  }

  /**
   * Whether a measurement of the SLI would be taken; nothing is defined yet.
   *
   * @throws Refusal when it is unknown and the installation is strict
   * @throws LogBusy
   */
  async check(service: string, sli: string): Promise<void> {
    if (!this.options.strict || this.knows(service, sli)) return;
    if ((await this.versionOf(LogStreams.sli(service, sli))) === 0) throw Refusal.unknownSli(service, sli);
  }

  /**
   * Nothing to wait for when the SLI is known, which is nearly always.
   *
   * @throws Refusal (through the promise) when it is unknown and the installation is strict
   * @throws LogBusy (through the promise)
   */
  ensure(service: string, sli: string, first: FirstMeasurement): Promise<void> | undefined {
    const key = `${service}/${sli}`;
    if (this.#known.has(key)) return undefined;
    let asked = this.#asked.get(key);
    if (asked === undefined) {
      asked = this.find(service, sli, first)
        .then(() => void this.#known.add(key))
        .finally(() => this.#asked.delete(key));
      this.#asked.set(key, asked);
    }
    return asked;
  }

  private async find(service: string, sli: string, first: FirstMeasurement): Promise<void> {
    const stream = LogStreams.sli(service, sli);
    if ((await this.versionOf(stream)) > 0) return;
    if (this.options.strict) throw Refusal.unknownSli(service, sli);
    const data = sliDefined.parse({ service, name: sli, unit: first.countsOnly ? 'count' : 'none' });
    try {
      await this.log.append({
        journal: CONTROL_JOURNAL,
        stream,
        expectedVersion: 'no-stream',
        events: [{ type: 'sli.defined', data, meta: first.meta, occurredAt: first.at }],
      });
    } catch (error) {
      // Another instance, or a person, was first.
      if (error instanceof StreamExists) return;
      throw isOfTheMoment(error) ? new LogBusy(error) : error;
    }
  }

  private async versionOf(stream: string): Promise<number> {
    try {
      return await this.log.streamVersion(stream);
    } catch (error) {
      // A read fails for no other reason than a database that is away.
      throw new LogBusy(error);
    }
  }
}

/** The measurement that an unknown SLI is defined from. */
export interface FirstMeasurement {
  /** Whether its points are all counts. */
  countsOnly: boolean;
  meta: EventMeta;
  at: Date;
}
