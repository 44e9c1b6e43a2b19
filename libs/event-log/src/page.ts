import type { RecordedEvent } from './event.js';

/** Events of a journal that were read together. */
export interface Page {
  events: RecordedEvent[];
  /** It ends for its size, so more may follow; else it reaches the end of what there was. */
  full: boolean;
  /** Of the data that was read for it. */
  characters: number;
}

/**
 * Bytes of data after which a page ends, by which readers bound their memory: an event may be a megabyte, and a page of a
 * thousand of those would not fit. A page is longer by one event at most.
 */
export const PAGE_BYTES = 4 * 1024 * 1024;

/** Data that is stored in fewer bytes, as they are, does not count: no page has so many that they matter. */
const SMALL = 1024;

/**
 * SQL for the last position of a page that may not go on for its bytes, in terms of the page's own source and parameters.
 * Costs little where events are small, as they mostly are, since only large ones are summed up; and of the large ones
 * none is looked into behind the end of the page, since what is summed up is read as far as it is asked for.
 * @param events what follows `from`: table and conditions. They have to bound positions from both sides, or the planner
 *   sorts all the rest of a journal for each page as long as a table has not been analysed.
 */
export function lastOfPage(events: string, bytes: string): string {
  return `coalesce((
    select position from (
      select position, sum(case when pg_column_compression(data) is null then pg_column_size(data)
                                else octet_length(data::text) end)
                         over (order by position rows unbounded preceding) as bytes
        from ${events} and (pg_column_size(data) > ${SMALL} or pg_column_compression(data) is not null)) summed
     where bytes >= ${bytes} order by position limit 1), ${Number.MAX_SAFE_INTEGER})`;
}

/** Whether a page of so many bytes may have been ended by them: strings have at most three bytes a character. */
export function mayBeFull(characters: number, bytes: number): boolean {
  return characters * 3 >= bytes;
}
