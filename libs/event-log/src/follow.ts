import type { RecordedEvent } from './event.js';
import type { Nudges } from './nudges.js';
import type { Page } from './page.js';

export interface FollowOptions {
  /** The position after which to start. */
  after: number;
  signal: AbortSignal;
  /** How often to look without a nudge, milliseconds; 500 when absent. */
  pollMs?: number;
  /** Events of a page at most; 500 when absent. */
  batch?: number;
}

/** Reads a page of the followed journal. */
export type ReadPage = (after: number, limit: number) => Promise<Page>;

const POLL_MS = 500;
const PAGE = 500;

/**
 * Pages of a journal as they come. While the caller deals with a full page the next one is being read: the
 * database and the caller work at the same time.
 */
export async function* follow(
  journal: string,
  read: ReadPage,
  nudges: Nudges,
  { after, signal, pollMs = POLL_MS, batch = PAGE }: FollowOptions,
): AsyncGenerator<RecordedEvent[]> {
  let position = after;
  // Counted before the reading starts, so that a nudge during it is not slept through.
  const start = () => ({ heard: nudges.heard(journal), page: read(position, batch) });
  let ahead: ReturnType<typeof start> | null = null;
  while (!signal.aborted) {
    const { heard, page }: ReturnType<typeof start> = ahead ?? start();
    ahead = null;
    const { events, full } = await page;
    if (signal.aborted) return;
    position = events.at(-1)?.position ?? position;
    if (full) {
      ahead = start();
      // Nobody may come to await it: the caller may stop here.
      ahead.page.catch(() => {});
    }
    if (events.length > 0) yield events;
    // A page that lacks what was announced may be one that another follower had begun to read before.
    const isEnd = events.length === 0 || (!full && heard.position <= position);
    if (isEnd) await nudges.wait(journal, heard, position, pollMs, signal);
  }
}
