import type pg from 'pg';
import { chainHash, GENESIS, hashedEvent, STORED_COLUMNS, type StoredRow } from './chain.js';
import { asText } from './rows.js';

export interface VerifyOptions {
  /** All when absent. */
  journals?: string[];
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
  const { rows } = await pool.query<{ journal: string }>('select journal from log.head order by journal');
  const known = rows.map((row) => row.journal);
  const journals: JournalReport[] = [];
  for (const journal of options.journals ?? known) {
    if (!known.includes(journal)) throw new RangeError(`there is no journal ${journal}`);
    journals.push(await verifyJournal(pool, journal, options.onProgress));
  }
  return { ok: journals.every((report) => report.bad === null), journals };
}

async function verifyJournal(
  pool: pg.Pool,
  journal: string,
  onProgress: VerifyOptions['onProgress'],
): Promise<JournalReport> {
  const head = await headOf(pool, journal);
  const start = await startOf(pool, journal);
  const boundaries = await boundariesOf(pool, journal);
  const report: JournalReport = {
    journal,
    from: start.position + 1,
    head: head.position,
    checked: 0,
    bad: null,
  };
  const bad = (position: number, reason: string): JournalReport => ({ ...report, bad: { position, reason } });
  let { position, hash } = start;
  let recordedAt = 0;
  while (position < head.position) {
    const rows = await page(pool, journal, position, head.position);
    if (rows.length === 0) return bad(position + 1, 'missing');
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

async function headOf(pool: pg.Pool, journal: string): Promise<{ position: number; hash: string }> {
  const { rows } = await pool.query<{ position: string; hash: string }>(
    "select position, encode(hash, 'hex') as hash from log.head where journal = $1",
    [journal],
  );
  return { position: Number(rows[0]!.position), hash: rows[0]!.hash };
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
  const { rows } = await pool.query<StoredRow>({
    text: `select ${STORED_COLUMNS} from log.events
            where journal = $1 and position > $2 and position <= $3 order by position limit ${PAGE}`,
    values: [journal, after, until],
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
