import {
  LogStreams,
  type OnCall,
  overrideShown,
  type ScheduleOverride,
  type Shift,
} from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import {
  evolveSchedule,
  firstShifts,
  onCallAt,
  type ScheduleEvent,
  type ScheduleState,
} from '@bellwether/oncall';

interface Folded {
  version: number;
  state: ScheduleState | null;
  overrides: ReadonlyMap<string, ScheduleOverride>;
}

const EMPTY: Folded = { version: 0, state: null, overrides: new Map() };

/** Folded schedules that are kept in memory; the log is asked only for what came since. */
const KEPT = 200;

/** Who is on call, from the streams of schedules. */
export class OnCallStore {
  readonly #folded = new Map<string, Folded>();

  constructor(private readonly log: Pick<EventLog, 'readStream'>) {}

  /** Who is on call at a time; null when the schedule is not known. */
  async at(schedule: string, at: Date, asOf?: string): Promise<OnCall | null> {
    const { state } = await this.fold(schedule, asOf);
    if (state === null) return null;
    const { users, until } = onCallAt(state, at.getTime());
    return { schedule, users: [...users], until: until === null ? null : new Date(until).toISOString() };
  }

  /** The first shifts over a span, `most` at most, in order; null when the schedule is not known. */
  async shifts(
    schedule: string,
    from: Date,
    to: Date,
    { most, asOf }: { most: number; asOf?: string | undefined },
  ): Promise<Shift[] | null> {
    const { state } = await this.fold(schedule, asOf);
    if (state === null) return null;
    return firstShifts(state, from.getTime(), to.getTime(), most).map((shift) => ({
      from: new Date(shift.from).toISOString(),
      to: new Date(shift.to).toISOString(),
      users: [...shift.users],
      layer: shift.layer,
      override: shift.override,
    }));
  }

  /** Overrides that are not withdrawn, by when they begin; null when the schedule is not known. */
  async overrides(schedule: string, asOf?: string): Promise<ScheduleOverride[] | null> {
    const { state, overrides } = await this.fold(schedule, asOf);
    if (state === null) return null;
    return [...overrides.values()].sort((a, b) => compare(a.from, b.from) || compare(a.id, b.id));
  }

  private async fold(schedule: string, asOf: string | undefined): Promise<Folded> {
    const stream = LogStreams.schedule(schedule);
    if (asOf !== undefined) {
      return (await this.log.readStream(stream, { recordedUntil: new Date(asOf) })).reduce(evolve, EMPTY);
    }
    const known = this.#folded.get(schedule) ?? EMPTY;
    const news = await this.log.readStream(stream, { from: known.version + 1 });
    const folded = news.reduce(evolve, known);
    this.keep(schedule, folded);
    return folded;
  }

  private keep(schedule: string, folded: Folded): void {
    this.#folded.delete(schedule);
    if (folded.state === null) return;
    this.#folded.set(schedule, folded);
    const [oldest] = this.#folded.keys();
    if (this.#folded.size > KEPT && oldest !== undefined) this.#folded.delete(oldest);
  }
}

function evolve(folded: Folded, event: RecordedEvent): Folded {
  const { version } = event;
  const said = { type: event.type, data: event.data, at: event.occurredAt.getTime() } as ScheduleEvent;
  switch (said.type) {
    case 'schedule.defined':
      return { ...folded, version, state: evolveSchedule(folded.state, said) };
    case 'schedule.overridden': {
      const overrides = new Map(folded.overrides).set(said.data.id, overrideShown(said.data));
      return { version, state: evolveSchedule(folded.state, said), overrides };
    }
    case 'schedule.override-withdrawn': {
      const overrides = new Map(folded.overrides);
      overrides.delete(said.data.id);
      return { version, state: evolveSchedule(folded.state, said), overrides };
    }
    default:
      return { ...folded, version };
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
