import { JOURNALS } from '@bellwether/contracts';
import type pg from 'pg';
import { chainHash, GENESIS, hashedEvent, STORED_COLUMNS, type StoredRow } from './chain.js';
import { lastOfPage, PAGE_BYTES } from './page.js';
import { asText } from './rows.js';

export interface VerifyOptions {
  /** All when absent. */
  journals?: string[];
  /** Journals that must be there; those of the contracts when absent. */
  expected?: readonly string[];
  onProgress?: (progress: { journal: string; position: number; head: number }) => void;
}

/** What verifying found in one journal. */
export interface JournalReport {
  journal: string;
  /** First position looked at: 1, or the first one that is not archived. */
  from: number;
  /** The head at the start; what is appended meanwhile is left for the next time. */
  head: number;
  /** Events whose hash was recomputed. */
  checked: number;
  /** The first bad position, and what is wrong with it; null when all is well. */
  bad: { position: number; reason: string } | null;
}

export interface VerifyReport {
  ok: boolean;
  journals: JournalReport[];
}

const PAGE = 2000;

export async function verifyLog(pool: pg.Pool, options: VerifyOptions): Promise<VerifyReport> {
  // Whoever takes a head away takes its journal out of the list of heads, so it is not the only list.
  const known = new Set([
    ...(await journalsWithHead(pool)),
    ...(await journalsWithEvents(pool)),
    ...(options.expected ?? JOURNALS),
  ]);
  const journals: JournalReport[] = [];
  for (const journal of options.journals ?? [...known].sort()) {
    if (!known.has(journal)) throw new RangeError(`there is no journal ${journal}`);
    journals.push(await verifyJournal(pool, journal, options.onProgress));
  }
  return { ok: journals.every((report) => report.bad === null), journals };
}

async function journalsWithHead(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ journal: string }>('select journal from log.head');
  return rows.map((row) => row.journal);
}

/** One look at the index for each: there are few, and many events of each. */
async function journalsWithEvents(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ journal: string }>(
    `with recursive found (journal) as (
       (select journal from log.events order by journal limit 1)
       union all
       select (select e.journal from log.events e where e.journal > f.journal order by e.journal limit 1)
         from found f where f.journal is not null)
     select journal from found where journal is not null`,
  );
  return rows.map((row) => row.journal);
}

async function verifyJournal(
  pool: pg.Pool,
  journal: string,
  onProgress: VerifyOptions['onProgress'],
): Promise<JournalReport> {
  const head = await headOf(pool, journal);
  let start = await startOf(pool, journal);
  const boundaries = await boundariesOf(pool, journal);
  const report: JournalReport = {
    journal,
    from: start.position + 1,
    head: head?.position ?? 0,
    checked: 0,
    bad: null,
  };
  const bad = (position: number, reason: string): JournalReport => ({ ...report, bad: { position, reason } });
  if (head === null) return bad(report.from, 'the journal has no head');
  let { position, hash } = start;
  let recordedAt = 0;
  while (position < head.position) {
    const rows = await page(pool, journal, position, head.position);
    if (Number(rows[0]?.[0]) !== position + 1) {
      start = await startOf(pool, journal);
      if (start.position <= position) return bad(position + 1, 'missing');
      // Archived meanwhile, so verified by who did it: what is left is verified from there.
      ({ position, hash } = start);
      if (report.checked === 0) report.from = position + 1;
      continue;
    }
    for (const row of rows) {
      const event = hashedEvent(journal, row);
      if (Number(event.position) !== position + 1) return bad(position + 1, 'missing');
      position += 1;
      hash = chainHash(hash, event);
      if (hash.toString('hex') !== row[10]) {
        return bad(position, 'its hash is not that of its content after the event before it');
      }
      if (event.recordedAt.getTime() < recordedAt)
        return bad(position, 'recorded before the event before it');
      recordedAt = event.recordedAt.getTime();
      const boundary = boundaries.get(position);
      if (boundary !== undefined && boundary !== row[10]) {
        return bad(position, 'its hash is not the one kept for the end of its segment');
      }
      report.checked += 1;
    }
    onProgress?.({ journal, position, head: head.position });
  }
  if (hash.toString('hex') !== head.hash) return bad(position, 'its hash is not that of the head');
  const beyond = await beyondHead(pool, journal);
  return beyond === null ? report : bad(beyond, 'beyond the head');
}

async function headOf(pool: pg.Pool, journal: string): Promise<{ position: number; hash: string } | null> {
  const { rows } = await pool.query<{ position: string; hash: string }>(
    "select position, encode(hash, 'hex') as hash from log.head where journal = $1",
    [journal],
  );
  return rows[0] ? { position: Number(rows[0].position), hash: rows[0].hash } : null;
}

/** The end of what is archived: its boundary hash is where the rest is verified from. */
async function startOf(pool: pg.Pool, journal: string): Promise<{ position: number; hash: Buffer }> {
  const { rows } = await pool.query<{ end: string; hash: Buffer }>(
    `select end_position as end, last_hash as hash from log.segments
      where journal = $1 and archived_at is not null order by end_position desc limit 1`,
    [journal],
  );
  const last = rows[0];
  return last ? { position: Number(last.end) - 1, hash: last.hash } : { position: 0, hash: GENESIS };
}

/** Last positions of full segments, with the hash kept for them. */
async function boundariesOf(pool: pg.Pool, journal: string): Promise<Map<number, string>> {
  const { rows } = await pool.query<{ end: string; hash: string }>(
    `select end_position as end, encode(last_hash, 'hex') as hash from log.segments
      where journal = $1 and last_hash is not null`,
    [journal],
  );
  return new Map(rows.map((row) => [Number(row.end) - 1, row.hash]));
}

async function page(pool: pg.Pool, journal: string, after: number, until: number): Promise<StoredRow[]> {
  const events = 'log.events where journal = $1 and position > $2 and position <= $3';
  const { rows } = await pool.query<StoredRow>({
    text: `select ${STORED_COLUMNS} from ${events}
              and position <= ${lastOfPage(events, String(PAGE_BYTES))} order by position`,
    values: [journal, after, Math.min(until, after + PAGE)],
    rowMode: 'array',
    types: asText,
  });
  return rows;
}

/** An event after the head that somebody put there past `log.append`, in one snapshot with the head. */
async function beyondHead(pool: pg.Pool, journal: string): Promise<number | null> {
  const { rows } = await pool.query<{ position: string | null }>(
    `select min(e.position) as position from log.head h join log.events e on e.journal = h.journal
      where h.journal = $1 and e.position > h.position`,
    [journal],
  );
  const position = rows[0]?.position ?? null;
  return position === null ? null : Number(position);
}
