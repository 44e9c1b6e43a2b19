import type { Bus } from '@bellwether/bus';
import { type Clock, JOURNALS, LogStreams, type MeasurementRecorded, Streams } from '@bellwether/contracts';
import { EventLog, type RecordedEvent } from '@bellwether/event-log';
import { createDatabase, eventually, startNats, type TestDatabase, type TestNats } from '@bellwether/testing';
import { headers } from '@nats-io/transport-node';
import { adminToken, openBus, type RunningIngest, startIngest } from './running-ingest.fixture.js';

/** Ingest on a real Postgres and a real NATS, and what its tests ask of it. */
export class IngestStage {
  /** A service of each test's own: see `next`. */
  service = 'shop-0';
  #names = 0;

  private constructor(
    readonly database: TestDatabase,
    readonly nats: TestNats,
    readonly bus: Bus,
    readonly log: EventLog,
    readonly ingest: RunningIngest,
  ) {}

  static async start(env: Record<string, string> = {}, clock?: Clock): Promise<IngestStage> {
    const [database, nats] = await Promise.all([createDatabase({ migrate: true }), startNats()]);
    const bus = await openBus(nats);
    const log = EventLog.open({ connectionString: database.url, poolSize: 2 });
    const ingest = await startIngest({ database, nats }, env, 'ready', clock);
    return new IngestStage(database, nats, bus, log, ingest);
  }

  async stop(): Promise<void> {
    await this.ingest.stop();
    await this.log.close();
    await this.bus.drain();
    await this.nats.stop();
    await this.database.drop();
  }

  /** Names the service of the next test. */
  next(): string {
    this.#names += 1;
    this.service = `shop-${this.#names}`;
    return this.service;
  }

  /** Sends text and bytes as they are, anything else as JSON. */
  async post(
    path: string,
    body: unknown,
    head: Record<string, string> = {},
  ): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }> {
    const response = await fetch(this.ingest.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${adminToken}`, ...head },
      body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    });
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown>,
      headers: response.headers,
    };
  }

  /** Publishes a measurement of the test's service over NATS: text and bytes as they are, anything else as JSON. */
  publish(
    body: unknown,
    head: Record<string, string> = {},
    subject = `sli.${this.service}.availability`,
  ): Promise<unknown> {
    const given = headers();
    for (const [name, value] of Object.entries(head)) given.set(name, value);
    const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    return this.bus.js.publish(subject, sent, { headers: given });
  }

  /** What the log has of an SLI of the test's service. */
  recorded(sli = 'availability'): Promise<RecordedEvent[]> {
    return this.log.readStream(LogStreams.measurement(this.service, sli));
  }

  /** Number of events in the whole log. */
  async total(): Promise<number> {
    const heads = await Promise.all(JOURNALS.map((journal) => this.log.head(journal)));
    return heads.reduce((sum, { position }) => sum + position, 0);
  }

  /** The dead letter that comes, or came, to a subject. */
  deadLetter(subject = `dlq.sli.${this.service}.availability`) {
    return eventually(async () => {
      const message = await this.bus.jsm.streams.getMessage(Streams.DLQ, { last_by_subj: subject });
      if (message === null) throw new Error(`nothing on ${subject} yet`);
      return message;
    });
  }
}

/** A point that is sound. */
export const point = () => ({ at: new Date().toISOString(), good: 998, total: 1000 });

export const dataOf = (event: RecordedEvent | undefined) => event?.data as MeasurementRecorded;
