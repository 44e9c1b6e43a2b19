import { appendFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Problem } from '@bellwether/contracts';
import { type LocalSystem, type ServiceDefinition, startLocal } from '@bellwether/local';
import { expect } from '@jest/globals';
import { eventually } from '../eventually.js';
import { temporaryFolder } from '../temporary-folder.js';
import { startAsUser } from '../user-run.js';

/** A whole system of real processes, whose clock the test moves. */
export class WholeSystem {
  #offset = 0;

  private constructor(
    readonly local: LocalSystem,
    private readonly clockFile: string,
    readonly lines: string[],
  ) {}

  /**
   * Starts it on free ports and a data folder of its own.
   * @param options.services instead of one of each
   * @param options.asUser by `npm start`, in a process of its own, instead of from this process
   */
  static async start(
    options: {
      env?: Record<string, string>;
      dataDir?: string;
      asUser?: boolean;
      services?: readonly ServiceDefinition[];
    } = {},
  ): Promise<WholeSystem> {
    const dataDir = options.dataDir ?? path.join(temporaryFolder('whole-system'), 'data');
    const clockFile = path.join(temporaryFolder('clock'), 'offset');
    writeFileSync(clockFile, '0');
    const lines: string[] = [];
    const log = (line: string) => {
      lines.push(line);
      if (lines.length > 5_000) lines.splice(0, 1_000);
    };
    const env = { BELLWETHER_CLOCK_FILE: clockFile, BELLWETHER_LOG_LEVEL: 'warn', ...options.env };
    const local = options.asUser
      ? await startAsUser(dataDir, env, log)
      : await startLocal({
          dataDir,
          env,
          log: (source, line) => log(`${source} | ${line}`),
          readyTimeoutMs: 60_000,
          ...(options.services ? { services: options.services } : {}),
        });
    return new WholeSystem(local, clockFile, lines);
  }

  /** The system's time. */
  now(): Date {
    return new Date(Date.now() + this.#offset);
  }

  /** Moves every process's clock forward. */
  advance(millis: number): void {
    this.#offset += millis;
    writeFileSync(this.clockFile, String(this.#offset));
  }

  async get<T>(route: string, headers: Record<string, string> = {}): Promise<T> {
    return (await this.request<T>('GET', route, undefined, headers)).body;
  }

  async post<T>(route: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<T> {
    return (await this.request<T>('POST', route, body, headers)).body;
  }

  async put<T>(route: string, body: unknown): Promise<T> {
    return (await this.request<T>('PUT', route, body)).body;
  }

  /** A request with the admin token. @throws Error with the problem document for an answer of 400 and above */
  async request<T>(
    method: string,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: Headers; body: T }> {
    const base = route.startsWith('/v1/measurements') ? this.local.ingestUrl : this.local.apiUrl;
    const response = await fetch(`${base}${route}`, {
      method,
      headers: {
        authorization: `Bearer ${this.local.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (response.status >= 400)
      throw new RequestRefused(
        `${method} ${route}: ${text}`,
        response.status,
        safeJson(text) as Problem | undefined,
      );
    const json = (response.headers.get('content-type') ?? '').includes('json');
    return {
      status: response.status,
      headers: response.headers,
      body: (json ? JSON.parse(text) : text) as T,
    };
  }

  /**
   * A write under an `Idempotency-Key`, sent again and again while the system is not there to answer it.
   * @throws RequestRefused when it answers that it will not
   */
  async keepPosting<T>(route: string, body: unknown, key: string): Promise<T> {
    for (;;) {
      try {
        return await this.post<T>(route, body, { 'idempotency-key': key });
      } catch (error) {
        if (error instanceof RequestRefused && error.status < 500) throw error;
        await sleep(100);
      }
    }
  }

  /** Resolves when every service says that it is ready. */
  async ready(): Promise<void> {
    await eventually(
      async () => {
        for (const { name, adminPort } of this.local.services()) {
          const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
          expect([name, answer.status, await answer.text()]).toEqual([name, 200, expect.anything()]);
        }
      },
      { timeoutMs: 60_000 },
    );
  }

  /** Every item of a list. */
  async all<T>(route: string): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: T[]; nextCursor: string | null } = await this.get(
        `${route}${route.includes('?') ? '&' : '?'}limit=500${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`,
      );
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    return items;
  }

  /** Stops it. `BELLWETHER_TEST_LOG` names a file to which what its processes said is added. */
  async stop(): Promise<void> {
    if (process.env.BELLWETHER_TEST_LOG)
      appendFileSync(process.env.BELLWETHER_TEST_LOG, `${this.lines.join('\n')}\n\n`);
    await this.local.stop();
  }
}

/** An answer of 400 and above. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';

  constructor(
    message: string,
    readonly status: number,
    readonly problem: Problem | undefined,
  ) {
    super(message);
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
