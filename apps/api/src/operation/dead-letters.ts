import type { DeadLetter } from '@bellwether/contracts';
import { z } from 'zod';
import type { Caller, CommandGateway } from '../commands/gateway.js';

/** Services that work off events or messages and answer for what they had to put aside. */
export const ANSWERING_SERVICES = ['evaluator', 'incident', 'ingest', 'paging'] as const;
export type AnsweringService = (typeof ANSWERING_SERVICES)[number];

/** What services answer on `dlq-list` and `dlq-retry`. `more`: how many there are besides those listed. */
const parked = z.object({
  more: z.int().default(0),
  items: z.array(
    z.object({
      consumer: z.string(),
      key: z.string(),
      position: z.int(),
      eventId: z.string(),
      type: z.string(),
      error: z.string().nullable(),
      parkedAt: z.string(),
      attempts: z.int(),
    }),
  ),
});
const retried = z.object({
  items: z.array(z.object({ replayed: z.int(), remaining: z.int(), error: z.string().optional() })),
});

/** How a service answers for itself. */
export type ServiceState =
  | { name: AnsweringService; state: 'answering'; deadLetters: DeadLetter[]; more: number }
  | { name: AnsweringService; state: 'silent' | 'failing'; deadLetters: null; more: 0 };

/** Asks services about what they could not handle. */
export class DeadLetters {
  constructor(private readonly gateway: CommandGateway) {}

  /** The parked keys of a service, by consumer and position; a service that does not answer is said to be silent. */
  async ask(name: AnsweringService, caller: Caller): Promise<ServiceState> {
    try {
      const answer = await this.gateway.operate(name, 'dlq-list', {}, caller, {
        timeoutMs: 2_000,
        graceMs: 0,
      });
      const { items, more } = parked.parse(answer);
      return { name, state: 'answering', deadLetters: keysOf(name, items), more };
    } catch (error) {
      const { problem } = error as { problem?: { status: number } };
      const silent = problem?.status === 503 || problem?.status === 504;
      return { name, state: silent ? 'silent' : 'failing', deadLetters: null, more: 0 };
    }
  }

  /** Handles parked events again: those of a key, or all of the service. */
  async retry(name: AnsweringService, key: string | undefined, caller: Caller) {
    const answer = await this.gateway.operate(name, 'dlq-retry', key === undefined ? {} : { key }, caller, {
      timeoutMs: 30_000,
      repeat: false, // a second one would find nothing left to retry, and say so
    });
    const { items } = retried.parse(answer);
    return {
      replayed: items.reduce((total, { replayed }) => total + replayed, 0),
      remaining: items.reduce((total, { remaining }) => total + remaining, 0),
      error: items.find(({ error }) => error !== undefined)?.error ?? null,
    };
  }
}

function keysOf(service: string, events: z.infer<typeof parked>['items']): DeadLetter[] {
  const keys = Map.groupBy(events, ({ consumer, key }) => `${consumer}\n${key}`);
  return [...keys.values()].map((queue) => {
    const first = queue.reduce((a, b) => (a.position <= b.position ? a : b));
    const { consumer, key, position, type, eventId, error, attempts, parkedAt } = first;
    return {
      service,
      consumer,
      key,
      events: queue.length,
      position,
      type,
      eventId,
      error,
      attempts,
      parkedAt,
    };
  });
}
