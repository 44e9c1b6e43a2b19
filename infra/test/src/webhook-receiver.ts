import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it was received. */
export interface ReceivedRequest {
  at: Date;
  method: string;
  /** Path with query. */
  url: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** The body's exact text (signatures are made over it). */
  body: string;
  /** The body as JSON; undefined when it is none. */
  json: unknown;
}

/** What to answer: a status, a whole response, or `hang` (no answer) or `reset` (the connection is cut). */
export type Answer =
  | number
  | { status: number; headers?: Record<string, string>; body?: string }
  | 'hang'
  | 'reset';

/** A real HTTP server on loopback that records requests and answers as told (200 when not told). */
export class WebhookReceiver {
  readonly requests: ReceivedRequest[] = [];
  readonly #server: http.Server;
  #script: Answer[] = [];
  #standing: Answer | ((request: ReceivedRequest) => Answer | Promise<Answer>) = 200;
  #waiting: { count: number; resolve: () => void }[] = [];

  private constructor(server: http.Server) {
    this.#server = server;
    server.on('request', (request, response) => void this.#take(request, response));
  }

  static async start(): Promise<WebhookReceiver> {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WebhookReceiver(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:<port><path>` */
  url(path = '/'): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** The next requests get these answers, one each; then the standing answer again. */
  answerNext(...answers: Answer[]): void {
    this.#script.push(...answers);
  }

  /** What requests get when no scripted answer is left. */
  answerAlways(answer: Answer | ((request: ReceivedRequest) => Answer | Promise<Answer>)): void {
    this.#standing = answer;
  }

  /** Resolves with all requests as soon as there are `count` of them; rejects after `timeoutMs`. */
  async received(count: number, timeoutMs = 10_000): Promise<ReceivedRequest[]> {
    if (this.requests.length >= count) return this.requests;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(new Error(`${this.requests.length} of ${count} requests came within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#waiting.push({ count, resolve });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
    return this.requests;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the sender gave up half-way
    }
    const body = Buffer.concat(chunks).toString('utf8');
    const received: ReceivedRequest = {
      at: new Date(),
      method: request.method ?? '',
      url: request.url ?? '',
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      ),
      body,
      json: parse(body),
    };
    this.requests.push(received);
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.requests.length < count) return true;
      resolve();
      return false;
    });
    const scripted = this.#script.shift();
    const standing = this.#standing;
    const answer = scripted ?? (typeof standing === 'function' ? await standing(received) : standing);
    if (answer === 'hang') return;
    if (answer === 'reset') return void request.socket.resetAndDestroy();
    const {
      status,
      headers = {},
      body: text = '',
    } = typeof answer === 'number' ? { status: answer } : answer;
    response.writeHead(status, headers).end(text);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
