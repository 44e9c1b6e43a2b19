import { type Fault, JsonText, type Labels, MeasurementLimits, NOT_KNOWN } from '@bellwether/contracts';
import { contentHash } from './content-hash.js';
import { instantMillis, whyNoInstant, whyUntimely } from './instant.js';
import { type LabelSet, NO_LABELS, readLabels, withCommon } from './label-set.js';
import { ColumnGroups } from './point-columns.js';
import { Refusal } from './refusal.js';

/** The points of one message, checked. */
export interface Points {
  /** How many. */
  count: number;
  /** `PointColumns[]`, as it goes into the log: a text of its own is less to keep than hundreds of numbers. */
  columns: JsonText;
  /** Whether all of them are counts. */
  countsOnly: boolean;
  /** Epoch milliseconds of the latest point. */
  newest: number;
  /** What the message says, for telling a repeat from a reused identity. */
  hash: string;
}

/** What the reading of a message needs to know of it. */
export interface PointsContext {
  service: string;
  sli: string;
  /** Epoch milliseconds: the `at` of points that have none. */
  receivedAt: number;
  /** Epoch milliseconds: what "ahead" and "too old" are measured from. */
  now: number;
}

const { points: mostPoints, magnitude, buckets: mostBuckets } = MeasurementLimits;
const mostFaults = 20;
const notNumber = 'must be a number';
/** Fields of all kinds of points. */
const fields = new Set(['at', 'labels', 'good', 'bad', 'total', 'value', 'count', 'buckets', 'sum']);

// What tells kinds apart in the content hash; stored with identities, so never renumbered.
export const kinds = { counts: 1, value: 2, histogram: 3 } as const;

type Json = Record<string, unknown>;

/**
 * Reads the body of a measurement into columns. It accepts exactly what the contract's `measurementBody` does
 * (points.spec.ts proves it) plus the clock's limits, without zod: this is the path every measurement takes.
 *
 * @param body parsed JSON: `{points: […]}`, with the labels of all of them if need be, or one point
 * @throws Refusal with up to 20 faults
 */
export function readPoints(body: unknown, context: PointsContext): Points {
  return new PointsReader(context).read(body);
}

class PointsReader {
  readonly #groups = new ColumnGroups();
  readonly #faults: Fault[] = [];
  #onlyTime = true;
  #newest = Number.NEGATIVE_INFINITY;
  // Where the point in hand is: spelled out only when it has a fault.
  #index = -1;
  #at = 0;
  #labels: Labels | undefined;
  #labelKey = '';
  // Of all points that do not say otherwise.
  #common: LabelSet = NO_LABELS;
  readonly #faulty = (path: string, message: string): void => this.fault(path, message);

  constructor(private readonly context: PointsContext) {}

  read(body: unknown): Points {
    contentHash.begin(this.context.service, this.context.sli);
    let count = 1;
    if (!isObject(body)) this.fault('', 'must be an object: {points: […]} or one point');
    else if ('points' in body) count = this.readAll(body);
    else this.readPoint(body);
    const [first, ...rest] = this.#faults;
    if (first !== undefined) throw new Refusal(this.#onlyTime ? 'time' : 'schema', [first, ...rest]);
    const { columns } = this.#groups;
    return {
      count,
      columns: new JsonText(JSON.stringify(columns)),
      countsOnly: columns.every(({ kind }) => kind === 'counts'),
      newest: this.#newest,
      hash: contentHash.end(),
    };
  }

  private readAll(body: Json): number {
    for (const key in body) if (key !== 'points' && key !== 'labels') this.unknown(key, '"points"');
    const { points } = body;
    if ('labels' in body) this.#common = readLabels(body.labels, this.#faulty);
    if (!Array.isArray(points)) {
      this.fault('points', 'must be an array');
      return 0;
    }
    const { length } = points;
    if (length === 0) this.fault('points', 'must not be empty');
    else if (length > mostPoints) this.fault('points', `must have at most ${mostPoints} points`);
    else {
      for (let i = 0; i < length && this.#faults.length < mostFaults; i += 1) {
        this.#index = i;
        this.readPoint(points[i]);
      }
    }
    this.#index = -1;
    return length;
  }

  private readPoint(point: unknown): void {
    if (!isObject(point)) {
      this.fault('', 'must be an object');
      return;
    }
    const faultsBefore = this.#faults.length;
    this.readTimeAndLabels(point);
    if ('value' in point) this.readValue(point, faultsBefore);
    else if ('buckets' in point) this.readHistogram(point, faultsBefore);
    else if ('total' in point || 'good' in point || 'bad' in point) this.readCounts(point, faultsBefore);
    else this.fault('', 'must have good and total, bad and total, value, or buckets');
  }

  private readCounts(point: Json, faultsBefore: number): void {
    const side = 'bad' in point ? 'bad' : 'good';
    for (const key in point) {
      if (side === 'bad' && key === 'good')
        this.fault('good', 'must not stand beside bad: leave out one of them');
      else if (key !== 'at' && key !== side && key !== 'total' && key !== 'labels')
        this.unknown(key, 'counts');
    }
    const part = this.nonNegative(point[side], side);
    const total = this.nonNegative(point.total, 'total');
    if (part > total) this.fault(side, 'must not be above total');
    if (this.#faults.length !== faultsBefore) return;
    const good = side === 'good' ? part : total - part;
    contentHash.number(kinds.counts);
    contentHash.number(good);
    contentHash.number(total);
    this.#groups.addCounts(this.#at, good, total, this.#labels, this.#labelKey);
  }

  private readValue(point: Json, faultsBefore: number): void {
    for (const key in point) {
      if (key !== 'at' && key !== 'value' && key !== 'count' && key !== 'labels')
        this.unknown(key, 'a value');
    }
    const value = this.finite(point.value, 'value');
    const count = 'count' in point ? this.nonNegative(point.count, 'count') : 1;
    if (this.#faults.length !== faultsBefore) return;
    contentHash.number(kinds.value);
    contentHash.number(value);
    contentHash.number(count);
    this.#groups.addValue(this.#at, value, count, this.#labels, this.#labelKey);
  }

  private readHistogram(point: Json, faultsBefore: number): void {
    for (const key in point) {
      if (key !== 'at' && key !== 'buckets' && key !== 'sum' && key !== 'labels')
        this.unknown(key, 'a histogram');
    }
    const sum = 'sum' in point ? this.finite(point.sum, 'sum') : null;
    const bounds: number[] = [];
    const counts: number[] = [];
    this.readBuckets(point.buckets, bounds, counts);
    if (this.#faults.length !== faultsBefore) return;
    contentHash.number(kinds.histogram);
    contentHash.number(bounds.length);
    for (const bound of bounds) contentHash.number(bound);
    for (const count of counts) contentHash.number(count);
    contentHash.number(sum ?? Number.NaN);
    this.#groups.addHistogram(this.#at, bounds, counts, sum, this.#labels, this.#labelKey);
  }

  private readBuckets(buckets: unknown, bounds: number[], counts: number[]): void {
    if (!Array.isArray(buckets)) {
      this.fault('buckets', 'must be an array of [upper bound, count]');
      return;
    }
    if (buckets.length === 0) {
      this.fault('buckets', 'must have at least the "+Inf" bucket');
      return;
    }
    if (buckets.length > mostBuckets) {
      this.fault('buckets', `must have at most ${mostBuckets} buckets`);
      return;
    }
    for (let i = 0; i < buckets.length; i += 1) {
      const bucket: unknown = buckets[i];
      if (!Array.isArray(bucket) || bucket.length !== 2) {
        this.fault(`buckets.${i}`, 'must be [upper bound, count]');
        continue;
      }
      this.readBound(bucket[0], i, i === buckets.length - 1, bounds);
      counts.push(this.nonNegative(bucket[1], `buckets.${i}.1`));
    }
  }

  private readBound(bound: unknown, i: number, isLast: boolean, bounds: number[]): void {
    const path = `buckets.${i}.0`;
    if (isLast) {
      if (bound !== '+Inf') this.fault(path, 'the last bound must be "+Inf"');
      return;
    }
    if (bound === '+Inf') {
      this.fault(path, 'only the last bound may be "+Inf"');
      return;
    }
    const value = this.finite(bound, path);
    const before = bounds.at(-1);
    if (before !== undefined && value <= before) this.fault(path, 'bounds must ascend');
    bounds.push(value);
  }

  private readTimeAndLabels(point: Json): void {
    this.#at = this.readTime(point);
    if (this.#at > this.#newest) this.#newest = this.#at;
    const { labels, key } = 'labels' in point ? this.labelsOf(point) : this.#common;
    this.#labels = labels;
    this.#labelKey = key;
    if (this.#labelKey !== '') contentHash.text(this.#labelKey);
  }

  private labelsOf(point: Json): LabelSet {
    return withCommon(readLabels(point.labels, this.#faulty), this.#common, this.#faulty);
  }

  private readTime(point: Json): number {
    if (!('at' in point)) {
      contentHash.number(-1);
      return this.context.receivedAt;
    }
    const at = typeof point.at === 'string' ? instantMillis(point.at) : Number.NaN;
    if (Number.isNaN(at)) {
      this.fault('at', whyNoInstant(point.at));
    } else {
      const untimely = whyUntimely(at, this.context.now);
      if (untimely !== null) this.timeFault(untimely);
    }
    contentHash.number(at);
    return at;
  }

  private nonNegative(value: unknown, path: string): number {
    if (typeof value !== 'number') this.fault(path, notNumber);
    else if (!(value >= 0)) this.fault(path, 'must not be negative');
    else if (value > magnitude) this.fault(path, 'must not be above 1e12');
    else return value + 0;
    return Number.NaN;
  }

  private finite(value: unknown, path: string): number {
    if (typeof value !== 'number') this.fault(path, notNumber);
    else if (!(value <= magnitude)) this.fault(path, 'must not be above 1e12');
    else if (!(value >= -magnitude)) this.fault(path, 'must not be below -1e12');
    else return value + 0;
    return Number.NaN;
  }

  // Only what is a name is repeated: a key is the publisher's text, and may be anything of any length.
  private unknown(key: string, kind: string): void {
    if (fields.has(key)) this.fault('', `must not have "${key}" beside ${kind}`);
    else if (/^[A-Za-z_]{1,40}$/.test(key)) this.fault(key, NOT_KNOWN);
    else this.fault('', `must not have a key of that name beside ${kind}`);
  }

  private timeFault(message: string): void {
    this.add('at', message);
  }

  private fault(path: string, message: string): void {
    this.#onlyTime = false;
    this.add(path, message);
  }

  private add(path: string, message: string): void {
    if (this.#faults.length >= mostFaults) return;
    const place =
      this.#index < 0 ? path : path === '' ? `points.${this.#index}` : `points.${this.#index}.${path}`;
    this.#faults.push({ path: place, message });
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
