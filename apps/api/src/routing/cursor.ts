import { createHash } from 'node:crypto';
import { CommandRefused, isStorable, ListLimits } from '@bellwether/contracts';
import { z } from 'zod';

/** Where a list goes on: the key of the last item given, and a mark of the list it belongs to. */
const cursor = z.tuple([z.string().max(12), z.union([z.string().max(512).refine(isStorable), z.number()])]);

type Key = string | number;

/** A page of a list. */
export interface ListPage<T> {
  items: T[];
  nextCursor: string | null;
}

/** One list as a caller asks for it: its filters, how many, and from where. */
export class Paging<K extends Key> {
  private constructor(
    readonly limit: number,
    /** Key of the last item of the page before; undefined for the first page. */
    readonly after: K | undefined,
    private readonly mark: string,
  ) {}

  /**
   * @param list name of the list and everything else that decides what is in it
   * @param keyOf reads the key of a cursor
   * @throws CommandRefused 400 for a cursor that is not one of this list
   */
  static of<K extends Key>(
    query: { limit?: number | undefined; cursor?: string | undefined },
    list: unknown,
    key: z.ZodType<K>,
  ): Paging<K> {
    const mark = createHash('sha256').update(JSON.stringify(list)).digest('base64url').slice(0, 8);
    const limit = query.limit ?? ListLimits.default;
    if (query.cursor === undefined) return new Paging<K>(limit, undefined, mark);
    const parsed = cursor.safeParse(decode(query.cursor));
    const after = parsed.success && parsed.data[0] === mark ? key.safeParse(parsed.data[1]) : undefined;
    if (!after?.success) {
      throw CommandRefused.malformed('the cursor does not belong to this list', [
        { path: 'query.cursor', message: 'must be the nextCursor of the page before, with the same filters' },
      ]);
    }
    return new Paging<K>(limit, after.data, mark);
  }

  /** @param rows one more than `limit` when there are more */
  page<R, T>(rows: readonly R[], keyOf: (row: R) => K, itemOf: (row: R) => T): ListPage<T> {
    const shown = rows.slice(0, this.limit);
    const last = shown.at(-1);
    return {
      items: shown.map(itemOf),
      nextCursor:
        rows.length > this.limit && last !== undefined
          ? Buffer.from(JSON.stringify([this.mark, keyOf(last)])).toString('base64url')
          : null,
    };
  }
}

function decode(text: string): unknown {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
