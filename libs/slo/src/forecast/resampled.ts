import type { Expected, Pattern } from './pattern.js';
import type { Course } from './projection.js';

/** Hours of a day: what belongs together is drawn together, such as an incident and what came after it. */
const BLOCK = 24;

/**
 * A course that might come: each day is as the same day was in one of the cycles of the pattern, drawn by lot, incidents
 * included, with the trend since then (a block bootstrap: Künsch, "The jackknife and the bootstrap for general stationary
 * observations", 1989).
 * @param from the first hour of the course
 * @param draw numbers in [0, 1)
 */
export function resampled(pattern: Pattern, from: number, draw: () => number): Course {
  const { history, length, cycles } = pattern;
  const drawn: number[] = [];
  return (hour): Expected => {
    const block = Math.floor((hour - from) / BLOCK);
    while (drawn.length <= block) drawn.push(Math.floor(draw() * cycles));
    // The latest hour of the history with the same place in the cycle, and so many cycles before it.
    const latest = hour - Math.ceil((hour - history.end + 1) / length) * length;
    const source = latest - (drawn[block] as number) * length;
    const total = history.total[source - history.first] as number;
    const bad = history.bad[source - history.first] as number;
    const traffic = pattern.level('traffic', hour) / pattern.level('traffic', source);
    const share = pattern.level('bad', hour) / pattern.level('bad', source);
    return { total: total * traffic, bad: Math.min(total * traffic, bad * traffic * share) };
  };
}
