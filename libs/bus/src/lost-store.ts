import { setTimeout as sleep } from 'node:timers/promises';
import { Streams } from '@bellwether/contracts';
import type { StreamInfo } from '@nats-io/jetstream';
import type { Bus } from './bus.js';

/** Whether the server says, of a stream that it has, that its files are not there. */
export function saysStoreIsLost(error: unknown): boolean {
  return error instanceof Error && /no such file or directory/i.test(error.message);
}

/**
 * Replaces streams whose files were deleted under a running server. The server does not notice: it acknowledges into
 * files that nobody can open any more, and consumers of such a stream wait for ever. EVENTS and MEASURED are
 * published again from the log; what was in SLI and cannot be read is lost, as with any loss of the broker's disk.
 *
 * For one process at a time (the leading relay): two could remove what the other has just made.
 *
 * @param suspected the server said that a store is lost
 * @returns the streams replaced
 */
export async function replaceLostStreams(bus: Bus, suspected: boolean): Promise<string[]> {
  const found = await Promise.all(Object.values(Streams).map((name) => examine(bus, name)));
  if (!suspected && !found.some(({ state }) => state === 'lost')) return [];
  // Files go together: a stream without messages cannot show that it has lost them, and has nothing to lose.
  const lost = found.filter(({ state }) => state === 'lost' || state === 'empty');
  for (const { name } of lost) {
    bus.log.error({ stream: name }, 'the files of a stream are gone from under the server; it is made anew');
    await bus.jsm.streams.delete(name);
  }
  await bus.reconcile();
  return lost.map(({ name }) => name);
}

async function examine(bus: Bus, name: string): Promise<{ name: string; state: 'sound' | 'empty' | 'lost' }> {
  let info = await bus.jsm.streams.info(name);
  for (let attempt = 1; attempt <= 3; attempt++) {
    if (info.state.messages === 0) return { name, state: 'empty' };
    // The first message is always there in a sound stream; the last may have been removed by hand.
    const first = await bus.jsm.streams.getMessage(name, { seq: info.state.first_seq });
    if (first !== null && first !== undefined) return { name, state: 'sound' };
    const before: StreamInfo = info;
    await sleep(50 * attempt);
    info = await bus.jsm.streams.info(name);
    // It grew too old meanwhile, or the stream is another one by now: look again.
    if (info.state.first_seq !== before.state.first_seq || info.created !== before.created) attempt = 0;
  }
  return { name, state: 'lost' };
}
