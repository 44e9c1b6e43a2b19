import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { EventEnvelope } from '@bellwether/contracts';
import { HttpProblem } from '@bellwether/service';
import type { ControlTail } from './control-tail.js';

export interface EventStreamOptions {
  tail: ControlTail;
  /** Ends every stream: the process drains. */
  signal: AbortSignal;
  /** A sign of life is sent when nothing else was for this long, milliseconds. */
  heartbeatMs?: number;
  /** A reader that takes nothing for this long is cut off, milliseconds: it resumes with `Last-Event-ID`. */
  slowMs?: number;
  /** Readers at once. */
  most?: number;
}

/** Bytes that wait in one go for a slow reader: then it is waited for. */
const CHUNK = 64 * 1024;

/**
 * The control log as server-sent events. Each reader pulls from the tail at its own pace: what waits for a slow one
 * is a position, not a queue.
 */
export class EventStream {
  #connections = 0;

  constructor(private readonly options: EventStreamOptions) {}

  get connections(): number {
    return this.#connections;
  }

  /** @throws HttpProblem 503 when there are too many readers */
  admit(): void {
    if (this.#connections >= (this.options.most ?? 1_000))
      throw HttpProblem.unavailable('there are too many streams open; try again shortly', 5);
  }

  /** Sends what matches, from after a position, until either side ends it. The headers are the caller's to set. */
  async serve(
    response: ServerResponse,
    after: number,
    matches: (event: EventEnvelope) => boolean,
  ): Promise<void> {
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, this.options.signal]);
    response.once('close', () => gone.abort());
    this.#connections += 1;
    const line = new Line(response, signal, this.options.slowMs ?? 30_000, after);
    const heartbeat = setInterval(() => line.beat(position), this.options.heartbeatMs ?? 15_000);
    let position = after;
    try {
      line.open();
      for (;;) {
        const events = await this.options.tail.after(position, signal);
        if (events === undefined) break;
        let text = '';
        for (const event of events) {
          if (matches(event)) text += messageOf(event);
          position = event.position;
          if (text.length >= CHUNK) {
            await line.send(text);
            text = '';
          }
        }
        if (text !== '') await line.send(text);
      }
    } finally {
      clearInterval(heartbeat);
      this.#connections -= 1;
      response.end();
    }
  }
}

/** One event on the wire. JSON has no line break outside of strings, and none unescaped within. */
function messageOf(event: EventEnvelope): string {
  return `id: ${event.position}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** The connection to one reader. */
class Line {
  #quiet = true;

  constructor(
    private readonly response: ServerResponse,
    private readonly signal: AbortSignal,
    private readonly slowMs: number,
    /** The last position that the reader knows of. */
    private told: number,
  ) {}

  /** Tells where it begins, too: a reader who loses the connection before the first event resumes from there. */
  open(): void {
    this.response.write(`: the control log\nretry: 1000\nid: ${this.told}\n\n`);
  }

  /** Resolves when the reader may be sent more; cuts off one that takes nothing. */
  async send(text: string): Promise<void> {
    this.#quiet = false;
    if (this.response.write(text) || this.signal.aborted) return;
    const patience = setTimeout(() => this.response.destroy(), this.slowMs);
    try {
      await once(this.response, 'drain', { signal: this.signal });
    } catch {
      // It is gone; the caller's signal says so.
    } finally {
      clearTimeout(patience);
    }
  }

  /** A sign of life, with the position reached, so that a reader who filters does not resume from far back. */
  beat(position: number): void {
    if (this.#quiet && !this.response.writableNeedDrain) {
      this.response.write(position > this.told ? `id: ${position}\n\n` : ': \n\n');
      this.told = position;
    }
    this.#quiet = true;
  }
}
