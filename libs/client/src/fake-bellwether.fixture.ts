import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type EventEnvelope, Headers, Subjects, toEnvelope } from '@bellwether/contracts';
import type { JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { uuidv7 } from 'uuidv7';

/** What a service's connection to the bus offers, as far as it is used here. */
export interface BusAccess {
  js: Pick<JetStreamClient, 'publish'>;
  nc: Pick<NatsConnection, 'subscribe'>;
  receipt(inbox: string, body: string): void;
}

/** A request as a test's server got it. */
export interface SeenRequest {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** An HTTP server whose answers the test gives. */
export class FakeHttp {
  readonly seen: SeenRequest[] = [];

  private constructor(
    private readonly server: Server,
    public answer: (request: SeenRequest) => {
      status: number;
      headers?: Record<string, string>;
      body?: unknown;
    },
  ) {}

  static async listen(answer: FakeHttp['answer']): Promise<FakeHttp> {
    const server = createServer();
    const fake = new FakeHttp(server, answer);
    server.on('request', (request, response) => void fake.reply(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    this.seen.push(seen);
    const { status, headers = {}, body: answer } = this.answer(seen);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(answer ?? {}));
  }
}

/** A control log with its api, and the stream EVENTS as its copy. */
export class FakeLog {
  readonly events: EventEnvelope[] = [];

  constructor(private readonly bus: BusAccess) {}

  /** What `GET /v1/events` answers. */
  page(request: SeenRequest): { status: number; body: unknown } {
    const query = new URL(request.url, 'http://none').searchParams;
    const after = Number(query.get('after'));
    const types = query.get('type')?.split(',');
    const wanted = (event: EventEnvelope) =>
      types === undefined ||
      types.some((type) => event.type.startsWith(`bellwether.${type.replace(/\*$/, '')}`));
    const items = this.events.filter((event) => event.position > after && wanted(event));
    return { status: 200, body: { items: items.slice(0, Number(query.get('limit'))), nextCursor: null } };
  }

  /** Appends an event, and copies it to the stream unless it is to be lost. */
  async append(type: string, key: string, options: { lost?: boolean } = {}): Promise<void> {
    const position = this.events.length + 1;
    const event = toEnvelope({
      journal: 'control',
      position,
      id: uuidv7(),
      stream: `incident:${key}`,
      version: position,
      type,
      schema: 1,
      data: { n: position },
      meta: {
        correlationId: 'c',
        causationId: null,
        actor: 'service:incident',
        source: '/bellwether/incident',
      },
      occurredAt: new Date(),
      recordedAt: new Date(),
    });
    this.events.push(event);
    if (options.lost !== true) await this.copy(event);
  }

  async copy(event: EventEnvelope): Promise<void> {
    const type = event.type.replace(/^bellwether\./, '').replace(/\.v\d+$/, '');
    await this.bus.js.publish(Subjects.event(type, event.subject), JSON.stringify(event), {
      msgID: event.id,
    });
  }
}

/** Answers publishers' receipts as ingest does, each identity accepted once. */
export function answerReceipts(
  bus: BusAccess,
  decide: (body: { id: string }, inbox: string) => Record<string, unknown> | null,
): () => void {
  const subscription = bus.nc.subscribe(Subjects.allSli, {
    callback: (_, message) => {
      const inbox = message.headers?.get(Headers.receipt);
      if (inbox === undefined || inbox === '') return;
      const receipt = decide(message.json<{ id: string }>(), inbox);
      if (receipt !== null) bus.receipt(inbox, JSON.stringify(receipt));
    },
  });
  return () => subscription.unsubscribe();
}
