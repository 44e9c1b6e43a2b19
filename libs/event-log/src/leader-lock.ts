import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';

/** Held while this process leads; its session is the proof, so what only the leader may write goes through it. */
export interface Leadership {
  /** Asks through the session. @throws LeadLost at once when it is lost, also while a question is open */
  query<T extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<pg.QueryResult<T>>;
  /** Aborts when the session is lost, and the lock with it. */
  lost: AbortSignal;
  /** Gives the lock back. */
  release(): void;
}

/** The session, and the lock with it, is gone. */
export class LeadLost extends Error {
  constructor() {
    super('the lead is lost: the session that held it is gone');
    this.name = 'LeadLost';
  }
}

/** So often a leader looks whether its session is still there, milliseconds. */
const HEARTBEAT_MS = 2000;
const HEARTBEAT_TIMEOUT_MS = 5000;
/** A leader that asks nothing for so long hangs: the server ends its session, and another process leads. */
const SILENCE_MS = 10_000;

/**
 * Tries to become the leader: a session-level advisory lock on a connection that is used for nothing else.
 * @returns null while another process leads
 */
export async function tryToLead(pool: pg.Pool, name: string): Promise<Leadership | null> {
  const session = await pool.connect();
  try {
    const { rows } = await session.query<{ led: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as led',
      [`bellwether leader ${name}`],
    );
    if (rows[0]!.led) {
      await session.query(`set idle_session_timeout = ${SILENCE_MS}`);
      return lead(session);
    }
  } catch (error) {
    // It may hold the lock all the same, so its session ends.
    session.release(true);
    throw error;
  }
  session.release();
  return null;
}

function lead(session: pg.PoolClient): Leadership {
  const lost = new AbortController();
  const over = new AbortController();
  const lose = () => lost.abort();
  session.on('error', lose);
  session.on('end', lose);
  // One question at a time: the driver gives up queueing them itself.
  let last: Promise<unknown> = Promise.resolve();
  const ask: Leadership['query'] = <T extends pg.QueryResultRow>(query: pg.QueryConfig) => {
    const answer = last.then(() => session.query<T>(query));
    last = answer.catch(() => {});
    return answer;
  };
  void beat(ask, over.signal, lose);
  // A session can hang without ever failing: nobody waits for it longer than the heartbeat does.
  const failure = new Promise<never>((_, reject) => {
    lost.signal.addEventListener('abort', () => reject(new LeadLost()), { once: true });
  });
  failure.catch(() => {});
  return {
    query: <T extends pg.QueryResultRow>(query: pg.QueryConfig) => Promise.race([ask<T>(query), failure]),
    lost: lost.signal,
    release() {
      over.abort();
      session.off('error', lose);
      session.off('end', lose);
      // Ends the session, whatever state it is in, and so the lock.
      session.release(true);
    },
  };
}

/** A session can be gone without a word: the server then gives the lock to another process. */
async function beat(ask: Leadership['query'], over: AbortSignal, lose: () => void): Promise<void> {
  const timedOut = Symbol('timed out');
  while (!over.aborted) {
    await delay(HEARTBEAT_MS, undefined, { signal: over, ref: false }).catch(() => {});
    if (over.aborted) return;
    const timer = delay(HEARTBEAT_TIMEOUT_MS, timedOut, { ref: false });
    const answer = await Promise.race([ask({ text: 'select' }).catch(() => timedOut), timer]);
    if (answer === timedOut) {
      lose();
      return;
    }
  }
}
