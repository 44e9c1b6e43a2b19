import type pg from 'pg';
import { asText, utcDate } from './rows.js';
import type { Upcast } from './upcast.js';

export interface ScanStreamOptions {
  /** What was recorded before is left out, as far as is easily known: at least everything from then on is read. */
  recordedFrom?: Date;
  /** Events of a page at most; 2,000 when absent. */
  page?: number;
}

/** Some events of a stream that is scanned, with what their readers need of them. */
export interface ScannedPage {
  events: { type: string; data: unknown }[];
  /** Events read so far, and how many there are to read. */
  done: number;
  of: number;
}

const PAGE = 2_000;

type Row = [type: string, schema: string, data: string];

/**
 * A whole stream, or all of it since a moment, a page at a time: the events that there were when it began. For those who
 * read very many events and want nothing of them but their data: four times as fast as pages of recorded events, and it
 * stays so however long the stream is. While the caller deals with a page the next one is being read.
 */
export async function* scanStream(
  pool: pg.Pool,
  upcast: Upcast,
  stream: string,
  { recordedFrom, page = PAGE }: ScanStreamOptions = {},
): AsyncGenerator<ScannedPage> {
  const client = await pool.connect();
  let ended = false;
  try {
    // A cursor is planned once. In a table that has not been analysed yet the planner would rather sort the stream than
    // walk along the index that it is ordered by, and the first page would wait for that.
    await client.query(
      'begin transaction isolation level repeatable read, read only; set local enable_bitmapscan = off; set local enable_sort = off',
    );
    const found = await streamOf(client, stream);
    if (found !== null) {
      const from = recordedFrom === undefined ? found.first : await firstSince(client, found, recordedFrom);
      const of = found.last - from + 1;
      let done = 0;
      await client.query({
        text: `declare scanned no scroll cursor for
                 select type, schema, data from log.events
                  where journal = ${client.escapeLiteral(found.journal)} and stream = ${client.escapeLiteral(stream)}
                    and version >= ${from} order by version`,
      });
      const fetch = async (): Promise<Row[]> =>
        (
          await client.query<Row>({
            name: `log-scan-${page}`,
            text: `fetch ${page} from scanned`,
            rowMode: 'array',
            types: asText,
          })
        ).rows;
      for (let next = fetch(); ; ) {
        const rows = await next;
        if (rows.length === 0) break;
        next = fetch();
        next.catch(() => {}); // the caller may stop here
        done += rows.length;
        yield { events: rows.map((row) => eventOf(row, upcast)), done, of: Math.max(of, done) };
      }
    }
    await client.query('commit');
    ended = true;
  } finally {
    // Stopped halfway: the connection is in the middle of things, and not worth bringing in order.
    client.release(!ended);
  }
}

function eventOf([type, schema, data]: Row, upcast: Upcast): { type: string; data: unknown } {
  return { type, data: upcast(type, Number(schema), JSON.parse(data)).data };
}

interface Found {
  journal: string;
  stream: string;
  first: number;
  last: number;
}

/** Null when there is no such stream, or when all of it is archived. */
async function streamOf(client: pg.PoolClient, stream: string): Promise<Found | null> {
  const { rows } = await client.query<{ journal: string; version: string }>(
    'select journal, version from log.streams where stream = $1',
    [stream],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { rows: oldest } = await client.query<{ version: string }>(
    'select version from log.events where journal = $1 and stream = $2 order by version limit 1',
    [row.journal, stream],
  );
  if (oldest[0] === undefined) return null;
  return { journal: row.journal, stream, first: Number(oldest[0].version), last: Number(row.version) };
}

/** The first version recorded from a moment on: a binary search, since times ascend with versions. */
async function firstSince(client: pg.PoolClient, found: Found, moment: Date): Promise<number> {
  let low = found.first;
  let high = found.last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { rows } = await client.query<[string]>({
      name: 'log-scan-recorded-at',
      text: 'select recorded_at from log.events where journal = $1 and stream = $2 and version = $3',
      values: [found.journal, found.stream, middle],
      rowMode: 'array',
      types: asText,
    });
    const recordedAt = rows[0] === undefined ? 0 : utcDate(rows[0][0]).getTime();
    if (recordedAt < moment.getTime()) low = middle + 1;
    else high = middle;
  }
  return low;
}
