import { CommandRefused, Streams } from '@bellwether/contracts';
import type { Bus } from './bus.js';
import { type CommandHandler, keyToRetry, requireAdmin } from './command-server.js';
import { type DeadLetter, DeadLetters } from './dead-letters.js';
import { NoSuchDeadLetter } from './errors.js';
import { errorText } from './transient.js';
import type { WorkMessage, WorkOutcome } from './work-message.js';

/** How keys of what subscribers gave up on begin. */
const ABANDONED = `${Streams.ABANDONED}/`;

/** Most dead letters that one answer lists; it says how many more there are. */
const LISTED = 500;

/**
 * `dlq-list` and `dlq-retry` of a service that works off a stream, in the form in which services answer for parked
 * events: here each message is a key of its own, its number in the DLQ stream. What outside subscribers gave up on is
 * listed with them, under the subscriber's name and as `ABANDONED/<number>`: nobody else answers for it.
 * @param work works on one message; what it throws is said, and the message kept
 */
export function deadLetterCommands(
  bus: Bus,
  consumer: string,
  subject: string,
  work: (message: WorkMessage) => Promise<WorkOutcome>,
): { list: CommandHandler; retry: CommandHandler } {
  const letters = new DeadLetters(bus, subject);
  return {
    list: async () => {
      const { items } = await letters.list({ limit: LISTED });
      const abandoned = await letters.abandoned({ limit: LISTED });
      const all = [...items, ...abandoned];
      const isAll = items.length < LISTED && abandoned.length < LISTED;
      const count = isAll ? null : await letters.count();
      // Not below none: what was listed may be gone when it is counted.
      const more = count === null ? 0 : Math.max(0, count.letters + count.abandoned - all.length);
      return { items: all.map((letter) => asParked(letter.subscriber ?? consumer, letter)), more };
    },
    retry: async (request) => {
      requireAdmin(request);
      const key = keyToRetry(request.data);
      const keys =
        key === undefined
          ? (await letters.list({ limit: LISTED })).items.map(({ sequence }) => String(sequence))
          : [key];
      const outcomes = [];
      for (const each of keys) outcomes.push({ key: each, ...(await retryOne(letters, each, work)) });
      return { items: outcomes };
    },
  };
}

async function retryOne(
  letters: DeadLetters,
  key: string,
  work: (message: WorkMessage) => Promise<WorkOutcome>,
): Promise<{ replayed: number; remaining: number; error?: string }> {
  if (key.startsWith(ABANDONED)) {
    const error =
      'a subscriber gave it up, which finds it in the log: GET /v1/events?after=<its last position>';
    return { replayed: 0, remaining: 1, error };
  }
  if (!/^[1-9][0-9]{0,15}$/.test(key)) throw CommandRefused.notFound(`a dead letter with the key "${key}"`);
  try {
    const outcome = await letters.retry(Number(key), work);
    return outcome.retried
      ? { replayed: 1, remaining: 0 }
      : { replayed: 0, remaining: 1, error: outcome.reason };
  } catch (error) {
    if (error instanceof NoSuchDeadLetter)
      throw CommandRefused.notFound(`a dead letter with the key "${key}"`);
    // It is where it was; those behind it are tried all the same.
    return { replayed: 0, remaining: 1, error: `it was not retried: ${errorText(error)}` };
  }
}

function asParked(consumer: string, letter: DeadLetter) {
  const { sequence, subject, error, path, at, deliveries } = letter;
  const place = `${letter.subscriber === null ? Streams.DLQ : Streams.ABANDONED}/${sequence}`;
  return {
    consumer,
    key: letter.subscriber === null ? String(sequence) : place,
    position: sequence,
    eventId: letter.messageId ?? place,
    type: subject,
    error: path === null ? error : `${path}: ${error}`,
    parkedAt: at,
    attempts: deliveries,
  };
}
