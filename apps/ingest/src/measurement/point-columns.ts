import type { Labels, PointColumns } from '@bellwether/contracts';

type Counts = Extract<PointColumns, { kind: 'counts' }>;
type Values = Extract<PointColumns, { kind: 'values' }>;
type Histograms = Extract<PointColumns, { kind: 'histogram' }>;

/** Gathers points into columns: one group for each kind, label set and, of histograms, bounds. */
export class ColumnGroups {
  readonly columns: PointColumns[] = [];
  // Nearly all messages are of one kind without labels: those groups are found without a key.
  #plainCounts: Counts | undefined;
  #plainValues: Values | undefined;
  readonly #byKey = new Map<string, PointColumns>();

  /** @param labelKey the label set's canonical text, empty without labels */
  addCounts(at: number, good: number, total: number, labels: Labels | undefined, labelKey: string): void {
    const group = labelKey === '' ? this.plainCounts() : this.labelledCounts(labels, labelKey);
    group.at.push(at);
    group.good.push(good);
    group.total.push(total);
  }

  addValue(at: number, value: number, count: number, labels: Labels | undefined, labelKey: string): void {
    const group = labelKey === '' ? this.plainValues() : this.labelledValues(labels, labelKey);
    // Nearly every value is one observation: the column appears with the first that is not.
    if (group.count !== undefined) group.count.push(count);
    else if (count !== 1) group.count = [...new Array<number>(group.value.length).fill(1), count];
    group.at.push(at);
    group.value.push(value);
  }

  addHistogram(
    at: number,
    bounds: number[],
    counts: number[],
    sum: number | null,
    labels: Labels | undefined,
    labelKey: string,
  ): void {
    const group = this.histograms(bounds, labels, labelKey);
    if (group.sum !== undefined) group.sum.push(sum);
    else if (sum !== null) group.sum = [...new Array<null>(group.at.length).fill(null), sum];
    group.at.push(at);
    group.counts.push(counts);
  }

  private plainCounts(): Counts {
    if (this.#plainCounts === undefined) {
      this.#plainCounts = { kind: 'counts', at: [], good: [], total: [] };
      this.columns.push(this.#plainCounts);
    }
    return this.#plainCounts;
  }

  private plainValues(): Values {
    if (this.#plainValues === undefined) {
      this.#plainValues = { kind: 'values', at: [], value: [] };
      this.columns.push(this.#plainValues);
    }
    return this.#plainValues;
  }

  private labelledCounts(labels: Labels | undefined, labelKey: string): Counts {
    const make = (): Counts => ({ kind: 'counts', ...labelled(labels), at: [], good: [], total: [] });
    return this.group(`counts ${labelKey}`, make) as Counts;
  }

  private labelledValues(labels: Labels | undefined, labelKey: string): Values {
    return this.group(`values ${labelKey}`, () => ({
      kind: 'values',
      ...labelled(labels),
      at: [],
      value: [],
    })) as Values;
  }

  private histograms(bounds: number[], labels: Labels | undefined, labelKey: string): Histograms {
    return this.group(`histogram ${bounds.join(',')} ${labelKey}`, () => ({
      kind: 'histogram',
      ...labelled(labels),
      at: [],
      bounds,
      counts: [],
    })) as Histograms;
  }

  private group(key: string, make: () => PointColumns): PointColumns {
    let group = this.#byKey.get(key);
    if (group === undefined) {
      group = make();
      this.#byKey.set(key, group);
      this.columns.push(group);
    }
    return group;
  }
}

function labelled(labels: Labels | undefined): { labels?: Labels } {
  return labels === undefined ? {} : { labels };
}
