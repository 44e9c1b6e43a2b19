import { z } from 'zod';
import { actor } from '../envelope.js';
import { role } from '../events/oncall.js';
import { problem } from '../problem.js';
import { timestamp } from '../time.js';

/** A request to a service over `cmd.<service>.<name>`. `id` makes it idempotent: the same id has its effect once. */
export const commandRequest = z.object({
  id: z.string().min(1).max(512),
  actor,
  role,
  correlationId: z.string(),
  causationId: z.string().optional(),
  traceparent: z.string().optional(),
  at: timestamp,
  /** Version that the caller saw (`If-Match`). */
  expect: z.int().min(0).optional(),
  /** SHA-256 of the request as it came in: the same id with another hash is a conflict. */
  hash: z.string().optional(),
  data: z.unknown(),
});
export type CommandRequest<T = unknown> = Omit<z.infer<typeof commandRequest>, 'data'> & { data: T };

/** Who asked, and the story that it belongs to. */
export interface Story {
  correlationId: string;
  causationId: string | null;
  actor: string;
  traceparent?: string;
}

/**
 * What the log keeps of who asked, and of the story that the request belongs to. Where no event is the direct cause, the
 * request is, known by its correlation id.
 */
export function storyOf(request: CommandRequest): Story {
  const { correlationId, causationId, actor, traceparent } = request;
  return {
    correlationId,
    causationId: causationId ?? correlationId,
    actor,
    ...(traceparent ? { traceparent } : {}),
  };
}

/**
 * The same of a change to what was there before: it belongs to the story which that began with, and the request that
 * asked for it, known by its correlation id, is the direct cause where no event is.
 */
export function continuing<M extends Pick<Story, 'correlationId' | 'causationId'>>(
  asked: M,
  story: Pick<Story, 'correlationId'>,
): M {
  const causationId = asked.causationId ?? asked.correlationId;
  return { ...asked, correlationId: story.correlationId, causationId };
}

/** What makes the append that a request leads to happen once: the same id with another hash is a conflict. */
export function onceOf({ id, hash }: CommandRequest): { commandId: string; commandHash?: string } {
  return { commandId: id, ...(hash === undefined ? {} : { commandHash: hash }) };
}

export const commandReply = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    status: z.union([z.literal(200), z.literal(201)]),
    data: z.unknown(),
    /** Version of the resource after the command: its ETag. */
    version: z.int(),
    /** Control position of the last event the command appended (or of the earlier answer); 0 for a query. */
    position: z.int(),
    warnings: z.array(z.string()).default([]),
  }),
  z.object({ ok: z.literal(false), problem }),
]);
export type CommandReply<T = unknown> =
  | { ok: true; status: 200 | 201; data: T; version: number; position: number; warnings: string[] }
  | { ok: false; problem: z.infer<typeof problem> };
