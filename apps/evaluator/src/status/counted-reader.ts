import { cadenceOf } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { dueSlices, Heartbeat, indicatorKey, needsOf, type SloPlan } from '@bellwether/slo';
import type { Evaluator } from '../evaluator.js';
import type { SeriesRow } from '../store/series-row.js';
import { StoredMinutes, type Taken } from '../store/stored-minutes.js';
import { Turns } from '../turns.js';
import { countedComposite } from './composite-status.js';
import type { Counted } from './counted.js';
import { type Planned, sliOf } from './planned.js';
import { rowOfGroup, storedGroups } from './stored-groups.js';
import { storedSlices } from './stored-source.js';

/** Long spans that are read at a time: each holds a connection to the database. */
const AT_A_TIME = 3;

/** Reads what SLOs count, as it is stored. */
export class CountedReader {
  readonly #evaluator: Evaluator;
  readonly #pool: EventLog['pool'];
  readonly #turns = new Turns(AT_A_TIME);

  constructor(evaluator: Evaluator, log: EventLog) {
    this.#evaluator = evaluator;
    this.#pool = log.pool;
  }

  /**
   * Reads what an SLO counts, or one group of it, a few requests at a time.
   * @param read is given all of it as of one moment, while it lasts
   */
  read<T>(planned: Planned, group: string | undefined, read: (counted: Counted) => Promise<T>): Promise<T> {
    return this.#turns.run(() => this.#read(planned, group, read));
  }

  async #read<T>(
    planned: Planned,
    group: string | undefined,
    read: (counted: Counted) => Promise<T>,
  ): Promise<T> {
    const { plan, entry } = planned;
    if (plan.indicator.kind === 'composite') return await read(await countedComposite(this.#evaluator, plan));
    const { store, clock, registry } = this.#evaluator;
    const row = await this.#eventsOf(planned, group);
    const slices = row === null ? new Map() : await storedSlices(store, row, needsOf([plan]));
    const tallies = row && plan.rule ? slices.get(plan.rule.key) : row;
    if (!row || !tallies) return await read({ stored: null, due: null, cadence: null, building: true });
    const events = await store.open(row, []);
    // A group has its own cadence, whatever the SLI's definition gives.
    const defined = group === undefined ? cadenceOf(registry.slis.get(sliOf(entry))?.data) : undefined;
    const heartbeat = new Heartbeat(events, defined, plan.slice, plan.corrections);
    const due = plan.rule === null ? null : dueSlices(plan, { events, heartbeat }, clock.now().getTime());
    const { cadence } = heartbeat.regularity;
    const taken = takenBy(plan, row, slices);
    const answer = await StoredMinutes.read(this.#pool, { id: tallies.id, taken }, async (stored) => ({
      value: await read({ stored, due, cadence, building: row.backfilled !== null }),
    }));
    // Made anew in this moment: what took its place is read.
    return answer === null ? await this.#read(planned, group, read) : answer.value;
  }

  /** The row of the events as it is now. */
  async #eventsOf({ plan, entry, unit }: Planned, group: string | undefined): Promise<SeriesRow | null> {
    const { store } = this.#evaluator;
    if (group === undefined) return await store.find(sliOf(entry), indicatorKey(plan.indicator, unit));
    return rowOfGroup(entry.definition.name, await storedGroups(store, plan, unit), group);
  }
}

/** Where it is stored what corrections take; while it is not, it is judged from the events. */
function takenBy(
  { taken: rule, indicator }: SloPlan,
  events: SeriesRow,
  slices: ReadonlyMap<string, SeriesRow>,
): Taken | null {
  if (rule === null) return null;
  const stored = slices.get(rule.key);
  return stored ?? { events: events.id, rule, isSketched: indicator.kind === 'percentile' };
}
