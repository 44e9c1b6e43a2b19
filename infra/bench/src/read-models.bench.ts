import {
  CONTROL_JOURNAL,
  type IncidentDeclared,
  type IncidentNoteAdded,
  LogStreams,
  type SystemState,
} from '@bellwether/contracts';
import { EventLog, type NewEvent } from '@bellwether/event-log';
import type { LocalSystem } from '@bellwether/local';
import pg from 'pg';
import { META } from './log.js';
import { compare, perSecond, type Result } from './measure.js';

/** Above the incidents that the running system has declared by itself. */
const FIRST = 1_000_001;
const INCIDENTS = 2_000;
const NOTES = 24;
/** Incidents whose events come in turns, as those of a bad day do. */
const AT_ONCE = 50;
const POLL_MS = 10;

/**
 * Rebuilding the read models of the running api against reading the same rows with `pg` alone. The log holds
 * incidents with notes: what control journals are mostly made of.
 */
export async function readModelsBench(system: LocalSystem): Promise<Result[]> {
  const client = new pg.Client(system.databaseUrl);
  await client.connect();
  const call = async <T>(method: string, route: string): Promise<T> => {
    const headers = { authorization: `Bearer ${system.token}` };
    const response = await fetch(`${system.apiUrl}${route}`, { method, headers });
    if (!response.ok) throw new Error(`${route}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const until = async (done: (state: SystemState) => boolean): Promise<SystemState> => {
    for (;;) {
      const seen = await call<SystemState>('GET', '/v1/system');
      if (done(seen)) return seen;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  try {
    await fill(system.databaseUrl);
    const { head, projections } = await until((seen) =>
      seen.projections.every(({ position }) => position === seen.head),
    );
    const reference = async () => {
      for (let after = 0; after < head; ) {
        const { rows } = await client.query(
          'select * from log.events where journal = $1 and position > $2 order by position limit 5000',
          [CONTROL_JOURNAL, after],
        );
        after = Number(rows.at(-1).position);
      }
    };
    const results: Result[] = [];
    for (const { name } of projections) {
      const ours = async () => {
        await call('POST', `/v1/system/projections/${name}/rebuild`);
        await until((seen) => seen.projections.every(({ building }) => building === null));
      };
      const { ours: o, reference: r, ratio } = await compare(3, head, ours, reference);
      results.push({
        what: `rebuild of the api's read model \`${name}\``,
        ours: perSecond(o),
        reference: `reading ${perSecond(r)}`,
        ratio,
        goal: '≥ 0.5',
        met: ratio >= 0.5,
      });
    }
    return results;
  } finally {
    await client.end();
  }
}

async function fill(databaseUrl: string): Promise<void> {
  const log = EventLog.open({ connectionString: databaseUrl });
  try {
    for (let first = FIRST; first < FIRST + INCIDENTS; first += AT_ONCE) {
      for (let k = 0; k <= NOTES; k++) {
        await Promise.all(
          Array.from({ length: AT_ONCE }, (_, i) => {
            const incident = `INC-${first + i}`;
            return log.append({
              journal: CONTROL_JOURNAL,
              stream: LogStreams.incident(incident),
              expectedVersion: k === 0 ? 'no-stream' : k,
              events: [eventOf(incident, k)],
            });
          }),
        );
      }
    }
  } finally {
    await log.close();
  }
}

/** The `k`-th event of an incident. */
function eventOf(incident: string, k: number): NewEvent {
  const now = new Date();
  const at = now.toISOString();
  const declared = {
    incident,
    title: 'The checkout service answers slowly',
    severity: 'sev3',
    services: ['checkout'],
    startedAt: at,
    detectedAt: at,
    labels: {},
  } satisfies IncidentDeclared;
  const note = {
    incident,
    text: `The checkout service answers slowly; payment was restarted on node ${k}`,
    at,
    links: [],
    pinned: false,
  } satisfies IncidentNoteAdded;
  const what =
    k === 0 ? { type: 'incident.declared', data: declared } : { type: 'incident.note-added', data: note };
  return { ...what, schema: 1, meta: META, occurredAt: now };
}
