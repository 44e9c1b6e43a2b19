import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stripVTControlCharacters } from 'node:util';
import { run } from './program.js';

/** What came to the server. */
export interface FakeRequest {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: unknown;
}

/** A server whose answers each test sets; the command that asks it is the real one. */
export class FakeServer {
  requests: FakeRequest[] = [];
  answer: (request: FakeRequest) => { status: number; body?: unknown; type?: string } = () => ({
    status: 500,
  });

  /** What a watching command does before it looks again; a rejection ends it. */
  pause: () => Promise<void> = () => Promise.reject(new Error('nothing waits'));

  /** Whether a person looks on. */
  interactive = false;
  /** Lines that were shown to a person in place of each other. */
  lines: string[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<FakeServer> {
    const server = createServer(async (req, res) => {
      let text = '';
      for await (const chunk of req) text += chunk;
      const request = {
        method: req.method ?? '',
        url: req.url ?? '',
        headers: req.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
      fake.requests.push(request);
      const {
        status,
        body,
        type = status >= 400 ? 'application/problem+json' : 'application/json',
      } = fake.answer(request);
      res.writeHead(status, { 'content-type': type });
      res.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const fake = new FakeServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return fake;
  }

  /** Forgets what came. */
  reset(): void {
    this.requests = [];
    this.interactive = false;
    this.lines = [];
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Runs the command line against the server, at 2026-11-22T10:00:00Z. */
  async run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const out: string[] = [];
    const err: string[] = [];
    const code = await run(argv, {
      env: { BELLWETHER_URL: this.url, BELLWETHER_INGEST_URL: this.url, BELLWETHER_TOKEN: 'secret' },
      output: {
        out: (t) => void out.push(t),
        err: (t) => void err.push(t),
        interactive: this.interactive,
        ...(this.interactive && { line: (t: string) => void this.lines.push(t) }),
      },
      now: () => new Date('2026-11-22T10:00:00Z'),
      cwd: '/',
      pause: () => this.pause(),
    });
    return {
      code,
      out: stripVTControlCharacters(out.join('\n')),
      err: stripVTControlCharacters(err.join('\n')),
    };
  }
}
