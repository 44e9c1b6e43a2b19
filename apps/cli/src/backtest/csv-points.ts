import { MeasurementLimits, type PointColumns } from '@bellwether/contracts';
import { CliError, ExitCode } from '../errors.js';
import { type CsvOptions, type Mapping, mappingOf, passes } from './csv-mapping.js';
import { instantOf } from './instant.js';
import { openTable, type Row } from './table-file.js';

/** Points of a block of columns. */
const BLOCK = 10_000;
/** Faults that are told of a file. */
const TOLD = 10;

/** The measurements of a file. */
export interface CsvPoints {
  /** In the order of the file. */
  blocks: PointColumns[][];
  points: number;
  /** Rows without a number where one is expected: nothing was measured then. */
  blank: number;
  /** Event times of the first and the last point, epoch milliseconds; null without any. */
  first: number | null;
  last: number | null;
}

/**
 * Reads the measurements of a CSV file.
 * @param labels that definitions are grouped by
 * @throws CliError (usage) naming file, line and column of what is no measurement
 */
export async function readPoints(
  file: string,
  options: CsvOptions,
  labels: readonly string[],
): Promise<CsvPoints> {
  const { columns, rows } = await openTable(file);
  const mapping = mappingOf(file, columns, options, labels);
  const reader = new PointReader(file, columns, mapping);
  for await (const row of rows) reader.take(row);
  return reader.end();
}

type Block = PointColumns & { kind: 'counts' | 'values' };

class PointReader {
  readonly #file: string;
  readonly #columns: readonly string[];
  readonly #mapping: Mapping;
  readonly #faults: string[] = [];
  readonly #blocks: PointColumns[][] = [];
  /** Of the block at work, by the values of its labels. */
  #current = new Map<string, Block>();
  #points = 0;
  #blank = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  constructor(file: string, columns: readonly string[], mapping: Mapping) {
    this.#file = file;
    this.#columns = columns;
    this.#mapping = mapping;
  }

  take({ cells, line }: Row): void {
    const { at: place, reading, where } = this.#mapping;
    if (!passes(where, cells)) return;
    const at = instantOf(cells[place] ?? '');
    if (at === null) {
      this.#fault(line, place, `"${cells[place] ?? ''}" is not a time`);
      return;
    }
    switch (reading.kind) {
      case 'state': {
        this.#add(cells, at, passes(reading.good, cells) ? 1 : 0, 1);
        return;
      }
      case 'values': {
        const value = this.#number(cells, line, reading.value, -MeasurementLimits.magnitude);
        const count = reading.count === null ? 1 : this.#number(cells, line, reading.count, 0);
        if (value !== null && count !== null) this.#add(cells, at, value, count);
        return;
      }
      case 'counts': {
        const part = reading.good ?? (reading.bad as number);
        const counted = this.#number(cells, line, part, 0);
        const total = this.#number(cells, line, reading.total, 0);
        if (counted === null || total === null) return;
        if (counted > total) this.#fault(line, part, `${counted} is above the total of ${total}`);
        else this.#add(cells, at, reading.good === null ? total - counted : counted, total);
      }
    }
  }

  end(): CsvPoints {
    if (this.#faults.length > 0) {
      const more = this.#faults.length - TOLD;
      const told = this.#faults.slice(0, TOLD);
      if (more > 0) told.push(`and ${more} more`);
      throw new CliError(`${this.#file} is not valid`, ExitCode.usage, told);
    }
    this.#close();
    const some = this.#points > 0;
    return {
      blocks: this.#blocks,
      points: this.#points,
      blank: this.#blank,
      first: some ? this.#first : null,
      last: some ? this.#last : null,
    };
  }

  /** The number of a cell; null, and counted or told, when it has none. */
  #number(cells: readonly string[], line: number, place: number, least: number): number | null {
    const text = cells[place] ?? '';
    if (text === '' || /^(nan|null|na|n\/a|-)$/i.test(text)) {
      this.#blank++;
      return null;
    }
    const value = Number(text);
    if (Number.isFinite(value) && value >= least && value <= MeasurementLimits.magnitude) return value;
    this.#fault(line, place, `"${text}" is not a number${least === 0 ? ' from 0' : ''} to 1e12`);
    return null;
  }

  #add(cells: readonly string[], at: number, first: number, second: number): void {
    const { labels, reading } = this.#mapping;
    const values = labels.map(({ place }) => cells[place] ?? '');
    const key = labels.length === 0 ? '' : JSON.stringify(values);
    let block = this.#current.get(key);
    if (block === undefined) {
      const named = Object.fromEntries(labels.map(({ label }, i) => [label, values[i] ?? '']));
      const common = labels.length === 0 ? {} : { labels: named };
      block =
        reading.kind === 'values'
          ? { kind: 'values', ...common, at: [], value: [], count: [] }
          : { kind: 'counts', ...common, at: [], good: [], total: [] };
      this.#current.set(key, block);
    }
    block.at.push(at);
    if (block.kind === 'values') {
      block.value.push(first);
      block.count?.push(second);
    } else {
      block.good.push(first);
      block.total.push(second);
    }
    if (at < this.#first) this.#first = at;
    if (at > this.#last) this.#last = at;
    if (++this.#points % BLOCK === 0) this.#close();
  }

  #close(): void {
    if (this.#current.size > 0) this.#blocks.push([...this.#current.values()]);
    this.#current = new Map();
  }

  #fault(line: number, place: number, what: string): void {
    this.#faults.push(`${this.#file}:${line}: ${this.#columns[place] ?? `column ${place + 1}`}: ${what}`);
  }
}
