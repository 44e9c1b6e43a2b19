import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import pg from 'pg';
import { chainHash, GENESIS, hashedEvent, STORED_COLUMNS, type StoredRow } from './chain.js';
import { lastOfPage, PAGE_BYTES } from './page.js';
import { connection } from './pool.js';
import { OWNER } from './roles.js';
import { asText } from './rows.js';

export interface ArchiveOptions {
  /** Segments whose last event was recorded before this moment. */
  before: Date;
  /** Folder for the files, one a segment. */
  directory: string;
  /** Measurement journals, all of them when absent; the control journal is never archived. */
  journals?: string[];
  /** Ends it between two pages; what is under way is finished the next time. */
  signal?: AbortSignal;
}

/** A segment that is in a file now. */
export interface ArchivedSegment {
  journal: string;
  firstPosition: number;
  lastPosition: number;
  file: string;
}

interface SegmentRow {
  journal: string;
  first_position: string;
  end_position: string;
  table_name: string;
  last_hash: Buffer;
  previous_hash: Buffer | null;
}

const PAGE = 2000;

/**
 * Moves full, old segments of measurement journals into files (`<journal>-<first position>.jsonl.gz`, a line an
 * event: its stored values as text) and removes their tables. The order is such that an interruption at any point
 * loses nothing and a repeat goes on: file complete and verified, noted, detached, table dropped. What is kept
 * of a segment, the hash of its last event, is where `verify` starts; `verifyArchive` checks a file.
 *
 * Only the oldest segments of a journal go, so that what remains has no holes.
 * @param connectionString a member of the owner role
 */
export async function archiveSegments(
  connectionString: string,
  options: ArchiveOptions,
): Promise<ArchivedSegment[]> {
  const client = new pg.Client(connection(connectionString, ['-c timezone=UTC', `-c role=${OWNER}`]));
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(hashtextextended('bellwether archive', 0))");
    await makeFolder(options.directory);
    const archived: ArchivedSegment[] = [];
    for (const segment of await archivable(client, options)) {
      archived.push(await archiveSegment(client, segment, options));
    }
    return archived;
  } finally {
    await client.end();
  }
}

/**
 * Recomputes the chain of an archive file.
 * @returns its first bad position, or null when all is well
 */
export async function verifyArchive(connectionString: string, file: string): Promise<number | null> {
  const client = new pg.Client(connection(connectionString, ['-c timezone=UTC']));
  await client.connect();
  try {
    const match = /^(.+)-([0-9]+)[.]jsonl[.]gz$/.exec(path.basename(file));
    const { rows } = await client.query<SegmentRow>(
      `${SEGMENTS} where s.journal = $1 and s.first_position = $2`,
      [match?.[1], match?.[2]],
    );
    if (rows[0] === undefined) throw new RangeError(`${file} is not named as a segment of this log`);
    return await firstBad(rows[0], file);
  } finally {
    await client.end();
  }
}

const SEGMENTS = `select s.journal, s.first_position, s.end_position, s.table_name, s.last_hash,
  p.last_hash as previous_hash
  from log.segments s
  left join log.segments p on p.journal = s.journal and p.end_position = s.first_position`;

async function archivable(client: pg.Client, options: ArchiveOptions): Promise<SegmentRow[]> {
  const { rows } = await client.query<SegmentRow>(
    `${SEGMENTS}
      where s.journal like 'measurement-%' and s.journal = any (coalesce($2::text[], array[s.journal]))
        and s.last_hash is not null and s.last_recorded_at < $1
        and to_regclass(format('log.%I', s.table_name)) is not null
      order by s.journal, s.first_position`,
    [options.before, options.journals ?? null],
  );
  return rows;
}

async function archiveSegment(
  client: pg.Client,
  segment: SegmentRow,
  { directory, signal }: ArchiveOptions,
): Promise<ArchivedSegment> {
  const { journal } = segment;
  const firstPosition = Number(segment.first_position);
  const lastPosition = Number(segment.end_position) - 1;
  const file = path.join(directory, `${journal}-${firstPosition}.jsonl.gz`);
  await pipeline(
    Readable.from(lines(client, segment, firstPosition - 1)),
    createGzip(),
    createWriteStream(`${file}.partial`, { flush: true }),
    { signal },
  );
  const bad = await firstBad(segment, `${file}.partial`);
  if (bad !== null) throw new Error(`${journal} is not archived: position ${bad} does not verify`);
  await rename(`${file}.partial`, file);
  // The database's own word of it outlives a power failure, so the file has to before.
  await flushFolder(directory);
  // Noted first: from here on nobody expects to find it in the table.
  await client.query(
    `update log.segments set archived_at = coalesce(archived_at, clock_timestamp())
      where journal = $1 and first_position = $2`,
    [journal, firstPosition],
  );
  await detach(client, segment);
  await client.query(`drop table if exists log.${pg.escapeIdentifier(segment.table_name)}`);
  return { journal, firstPosition, lastPosition, file };
}

/** A folder, whose name is on the disk as what is put into it will be. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (
    let made = path.resolve(folder);
    made.length >= path.resolve(first).length;
    made = path.dirname(made)
  ) {
    await flushFolder(path.dirname(made));
  }
}

/** Names in a folder are as durable as what they name only once the folder itself is on the disk. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Without stopping those who read or append; one that was interrupted is finished. */
async function detach(client: pg.Client, { journal, table_name }: SegmentRow): Promise<void> {
  const parent = `log.${pg.escapeIdentifier(`events_${journal.replaceAll('-', '_')}`)}`;
  const table = `log.${pg.escapeIdentifier(table_name)}`;
  const { rows } = await client.query<{ pending: boolean }>(
    'select inhdetachpending as pending from pg_inherits where inhrelid = to_regclass($1)',
    [table],
  );
  if (rows[0] === undefined) return;
  const how = rows[0].pending ? 'finalize' : 'concurrently';
  await client.query(`alter table ${parent} detach partition ${table} ${how}`);
}

async function* lines(client: pg.Client, segment: SegmentRow, after: number): AsyncGenerator<string> {
  const events = `log.${pg.escapeIdentifier(segment.table_name)} where position > $1 and position <= $2`;
  for (let position = after; ; ) {
    const { rows } = await client.query<StoredRow>({
      text: `select ${STORED_COLUMNS} from ${events}
                and position <= ${lastOfPage(events, String(PAGE_BYTES))} order by position`,
      values: [position, position + PAGE],
      rowMode: 'array',
      types: asText,
    });
    if (rows.length === 0) return;
    for (const row of rows) yield `${JSON.stringify(row)}\n`;
    position = Number(rows.at(-1)![0]);
  }
}

async function firstBad(segment: SegmentRow, file: string): Promise<number | null> {
  let hash = segment.previous_hash ?? GENESIS;
  let position = Number(segment.first_position) - 1;
  const input = createReadStream(file).pipe(createGunzip());
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const row = JSON.parse(line) as StoredRow;
    position += 1;
    hash = chainHash(hash, hashedEvent(segment.journal, row));
    if (Number(row[0]) !== position || hash.toString('hex') !== row[10]) return position;
  }
  const whole = position === Number(segment.end_position) - 1 && hash.equals(segment.last_hash);
  return whole ? null : position;
}
