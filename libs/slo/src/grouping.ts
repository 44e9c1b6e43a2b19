import {
  LONGEST_GROUP,
  OTHER_GROUP,
  type PointColumns,
  type SloDefinition,
  type SloGroup,
} from '@bellwether/contracts';
import { DAY_MINUTES, MINUTE } from './time-grid.js';
import type { Window } from './window.js';

/** How an SLI is parted into groups, which is also what its groups' buckets are known by. */
export interface Grouping {
  label: string;
  /** Values that are groups of their own; points of others are counted together as {@link OTHER_GROUP}. */
  cap: number;
  /** A value that was not measured for so many days of event time gives its place up to one that is. */
  lasts: number;
}

/** A few lengths, so that SLOs with windows of about the same length share the buckets of their groups. */
const LASTS = [35, 100, 402] as const;

/**
 * How a definition is grouped; null when it is not. A value keeps its place for longer than the window reaches back, so
 * that whoever gave it up has nothing in any window.
 */
export function groupingOf({ groupBy }: SloDefinition, window: Window): Grouping | null {
  if (groupBy === undefined) return null;
  const { label, cap } = groupBy;
  const lasts = LASTS.find((days) => (days - 1) * DAY_MINUTES >= window.longest);
  return { label, cap, lasts: lasts ?? Math.ceil(window.longest / DAY_MINUTES) + 1 };
}

/** The identity of the groups of an indicator's buckets, see `indicatorKey`: of the group of all other values, too. */
export const groupingKey = (indicator: string, { label, cap, lasts }: Grouping): string =>
  `${indicator} by ${JSON.stringify(label)} (${cap}, ${lasts}d)`;

/** The identity of one group's buckets; JSON, since values are text of any form. */
export const groupBucketsKey = (grouping: string, value: string): string =>
  `${grouping} ${JSON.stringify(value)}`;

/** What tells groups apart, whatever is in their names. */
export const groupText = ({ label, value }: SloGroup): string => JSON.stringify([label, value]);

/**
 * The value of the label that recorded points carry; null when they carry none, or an empty one. One that is too long
 * to be the name of a group is counted with the others.
 */
export function labelValue({ labels }: PointColumns, label: string): string | null {
  if (labels === undefined || !Object.hasOwn(labels, label)) return null;
  const value = labels[label] as string;
  if (value === '') return null;
  return value.length > LONGEST_GROUP ? OTHER_GROUP : value;
}

/** What one message of measurements has of a value: event times of its oldest and its newest point, epoch milliseconds. */
export interface Sighting {
  value: string;
  oldest: number;
  newest: number;
}

/**
 * Which values of a label are groups of their own. Which ones these are follows from the measurements in the order of
 * the log alone: first come, first in, and a value that was not measured for {@link Grouping.lasts} gives its place up
 * to one that is. Within a message the order of points is of no importance, and where no more values come than the cap
 * allows, neither is the order of messages.
 */
export class GroupMembers {
  readonly #newest: Map<string, number>;

  /** @param members values that are in, each with the event time of its newest point */
  constructor(
    readonly grouping: Grouping,
    members: Iterable<readonly [value: string, newest: number]> = [],
  ) {
    this.#newest = new Map(members);
  }

  get values(): string[] {
    return [...this.#newest.keys()];
  }

  /** The group that points of a value are counted in: its own, or that of all others. */
  groupOf(value: string): string {
    return this.#newest.has(value) ? value : OTHER_GROUP;
  }

  /**
   * Takes what one message has of each value. Its points are counted by {@link groupOf} after this.
   * @returns values that are in now and were not, and those that were and are not
   */
  see(sightings: readonly Sighting[]): { joined: string[]; left: string[] } {
    const newcomers: Sighting[] = [];
    for (const sighting of sightings) {
      if (sighting.value === OTHER_GROUP) continue;
      const known = this.#newest.get(sighting.value);
      if (known === undefined) newcomers.push(sighting);
      else if (sighting.newest > known) this.#newest.set(sighting.value, sighting.newest);
    }
    const joined = new Set<string>();
    const left: string[] = [];
    let idlest: string | null = null;
    for (const { value, newest } of newcomers.sort(byAge)) {
      if (this.#newest.size >= this.grouping.cap) {
        idlest ??= this.#idlest();
        const silence = newest - (this.#newest.get(idlest) as number);
        if (silence <= this.grouping.lasts * DAY_MINUTES * MINUTE) continue;
        this.#newest.delete(idlest);
        if (!joined.delete(idlest)) left.push(idlest);
        idlest = null;
      }
      this.#newest.set(value, newest);
      joined.add(value);
    }
    return { joined: [...joined], left };
  }

  /** The value whose newest point is the oldest. */
  #idlest(): string {
    let idlest: readonly [string, number] | null = null;
    for (const entry of this.#newest) {
      if (idlest === null || entry[1] < idlest[1] || (entry[1] === idlest[1] && entry[0] > idlest[0])) {
        idlest = entry;
      }
    }
    return (idlest as readonly [string, number])[0];
  }
}

/** The oldest first, and by value where points are of the same time. */
const byAge = (a: Sighting, b: Sighting): number => a.oldest - b.oldest || (a.value < b.value ? -1 : 1);
