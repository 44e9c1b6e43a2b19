import { Counter, type Registry } from 'prom-client';
import type { RefusalReason } from './measurement/refusal.js';
import type { Recorded } from './recorder.js';

/** The way a measurement came. */
export type Way = 'nats' | 'http' | 'prometheus';

/** What ingest counts of itself. */
export class IngestMetrics {
  readonly #points: Counter<'way' | 'outcome'>;
  readonly #refused: Counter<'way' | 'reason'>;
  readonly #turnedAway: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#points = new Counter({
      name: 'measurement_points_total',
      help: 'Points of measurements that are in the log: accepted now, or duplicates of earlier ones.',
      labelNames: ['way', 'outcome'],
      registers,
    });
    this.#refused = new Counter({
      name: 'measurements_refused_total',
      help: 'Messages that were refused: dead letters of NATS, problems of HTTP.',
      labelNames: ['way', 'reason'],
      registers,
    });
    this.#turnedAway = new Counter({
      name: 'measurements_turned_away_total',
      help: 'HTTP requests answered 503 because too much was in hand.',
      registers,
    });
  }

  recorded(way: Way, { status, points }: Recorded): void {
    this.#points.inc({ way, outcome: status }, points);
  }

  refused(way: Way, reason: RefusalReason): void {
    this.#refused.inc({ way, reason });
  }

  turnedAway(): void {
    this.#turnedAway.inc();
  }
}
