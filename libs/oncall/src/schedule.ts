import type { Schedule, ScheduleOverridden, ScheduleOverrideWithdrawn } from '@bellwether/contracts';
import { type ActiveOverride, overrideOf } from './override.js';
import { carriedOffset, Rotation } from './rotation.js';
import type { Instant } from './wall-clock.js';

/** A definition of a schedule and since when it holds. */
export interface ScheduleVersion {
  since: Instant;
  schedule: Schedule;
  /** Per layer, by how many turns its participants are shifted so that a change kept the person on call. */
  offsets: readonly number[];
}

/** A schedule with its history: a new definition never changes who was on call before it. */
export interface ScheduleState {
  name: string;
  /** In the order in which they were defined; their number is the version of the resource. */
  versions: readonly ScheduleVersion[];
  overrides: readonly ActiveOverride[];
}

/** The events of a schedule's stream, with the time at which each happened. */
export type ScheduleEvent = { at: Instant } & (
  | { type: 'schedule.defined'; data: Schedule }
  | { type: 'schedule.overridden'; data: ScheduleOverridden }
  | { type: 'schedule.override-withdrawn'; data: ScheduleOverrideWithdrawn }
);

/** Folds a schedule's stream; null before its first definition. */
export function evolveSchedule(state: ScheduleState | null, event: ScheduleEvent): ScheduleState {
  switch (event.type) {
    case 'schedule.defined': {
      const version = { since: event.at, schedule: event.data, offsets: offsetsOf(state, event) };
      return {
        name: event.data.name,
        versions: [...(state?.versions ?? []), version],
        overrides: state?.overrides ?? [],
      };
    }
    case 'schedule.overridden': {
      const defined = definedBefore(state, event);
      return { ...defined, overrides: [...defined.overrides, overrideOf(event.data)] };
    }
    case 'schedule.override-withdrawn': {
      const defined = definedBefore(state, event);
      const overrides = defined.overrides.flatMap((override) => {
        if (override.id !== event.data.id) return [override];
        const to = Math.min(override.to, event.at);
        return override.from < to ? [{ ...override, to }] : [];
      });
      return { ...defined, overrides };
    }
  }
}

/** The definition that holds now: the last one. */
export function currentSchedule(state: ScheduleState): Schedule {
  return state.versions.at(-1)!.schedule;
}

const rotations = new WeakMap<ScheduleVersion, readonly Rotation[]>();

/** The rotations of a definition's layers, most specific first; made once, as they remember what they worked out. */
export function rotationsOf(version: ScheduleVersion): readonly Rotation[] {
  const known = rotations.get(version);
  if (known) return known;
  const { schedule, offsets } = version;
  const made = schedule.layers.map(
    ({ rotation, restrictions }, place) =>
      new Rotation(rotation, schedule.timeZone, { restrictions, offset: offsets[place] ?? 0 }),
  );
  rotations.set(version, made);
  return made;
}

/**
 * Changing who takes part, or the hours, keeps the person on call. Changing the turns themselves (type,
 * length, start or its zone) begins them anew: that is how somebody says who is to start.
 */
function offsetsOf(state: ScheduleState | null, { at, data }: { at: Instant; data: Schedule }): number[] {
  const previous = state?.versions.at(-1);
  const before = previous ? rotationsOf(previous) : [];
  return data.layers.map(({ name, rotation, restrictions }) => {
    const place = previous?.schedule.layers.findIndex((layer) => layer.name === name) ?? -1;
    const old = previous?.schedule.layers[place]?.rotation;
    if (old === undefined) return 0;
    const sameZone =
      old.timeZone === rotation.timeZone ||
      (old.timeZone ?? previous?.schedule.timeZone) === (rotation.timeZone ?? data.timeZone);
    const same =
      sameZone &&
      old.type === rotation.type &&
      old.length === rotation.length &&
      old.start === rotation.start;
    if (!same) return 0;
    return carriedOffset(before[place]!, new Rotation(rotation, data.timeZone, { restrictions }), at);
  });
}

function definedBefore(state: ScheduleState | null, event: ScheduleEvent): ScheduleState {
  if (state === null) throw new RangeError(`${event.type} before the schedule was defined`);
  return state;
}
