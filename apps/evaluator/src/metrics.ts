import { Counter, Gauge, type Registry as MetricsRegistry } from 'prom-client';

/** The evaluator's own metrics. */
export class EvaluatorMetrics {
  /** Points counted into buckets. */
  readonly points: Counter;
  /** Points that an indicator has no reading for. */
  readonly unfitPoints: Counter;
  /** Points of label values beyond the cap of their groups. */
  readonly overflowPoints: Counter;
  /** Evaluations of an SLO or a threshold rule. */
  readonly evaluations: Counter;

  /** @param look what the gauges show, read when they are scraped */
  constructor(
    registry: MetricsRegistry,
    look: () => { partitions: number; series: number; groups: number; building: number; bytes: number },
  ) {
    const registers = [registry];
    this.points = new Counter({
      name: 'evaluator_points_total',
      help: 'Points counted into buckets.',
      registers,
    });
    this.unfitPoints = new Counter({
      name: 'evaluator_unfit_points_total',
      help: 'Points left out because the indicator has no reading for them.',
      registers,
    });
    this.overflowPoints = new Counter({
      name: 'evaluator_overflow_points_total',
      help: 'Points of label values beyond the cap of their groups, counted together with all others.',
      registers,
    });
    this.evaluations = new Counter({
      name: 'evaluator_evaluations_total',
      help: 'Evaluations of an SLO or a threshold rule.',
      registers,
    });
    for (const [name, help, key] of [
      ['evaluator_partitions', 'Measurement partitions that this instance holds.', 'partitions'],
      ['evaluator_series', 'Indicators whose buckets are in memory.', 'series'],
      ['evaluator_groups', 'Groups of SLIs by a label whose buckets are in memory.', 'groups'],
      ['evaluator_series_building', 'Indicators whose buckets are being made from the journal.', 'building'],
      ['evaluator_bucket_bytes', 'Bytes of buckets in memory.', 'bytes'],
    ] as const) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(look()[key]);
        },
      });
    }
  }
}
