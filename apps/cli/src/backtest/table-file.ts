import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { CliError, ExitCode } from '../errors.js';

/** A row of a file: its cells, and the line that it ends with. */
export interface Row {
  cells: string[];
  line: number;
}

/** What a CSV file has: the names of its columns, and its rows as they are read. */
export interface TableFile {
  columns: string[];
  rows: AsyncIterable<Row>;
}

/**
 * Opens a CSV file (RFC 4180) whose first line names its columns; `-` is standard input.
 * @throws CliError (usage) when it cannot be read, or has no such line; while its rows are read, for what is no CSV
 */
export async function openTable(file: string): Promise<TableFile> {
  const source = file === '-' ? process.stdin : createReadStream(file);
  const parser = parse({
    bom: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    info: true,
  });
  source.on('error', (error: Error) => parser.destroy(error));
  source.pipe(parser);
  const records = readable(file, parser as AsyncIterable<{ record: string[]; info: { lines: number } }>);
  const first = await records.next();
  if (first.done)
    throw new CliError(`${file} is empty: its first line must name the columns`, ExitCode.usage);
  return { columns: first.value.cells, rows: records };
}

async function* readable(
  file: string,
  records: AsyncIterable<{ record: string[]; info: { lines: number } }>,
): AsyncGenerator<Row> {
  try {
    for await (const { record, info } of records) yield { cells: record, line: info.lines };
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${(error as Error).message}`, ExitCode.usage);
  }
}

/**
 * The place of a column by its name.
 * @param option that names it, for the message
 * @throws CliError (usage) when there is none
 */
export function columnOf(file: string, columns: readonly string[], name: string, option: string): number {
  const place = columns.indexOf(name);
  if (place >= 0) return place;
  throw new CliError(`${file} has no column "${name}" (${option})`, ExitCode.usage, [
    `its columns are ${columns.join(', ')}`,
  ]);
}
