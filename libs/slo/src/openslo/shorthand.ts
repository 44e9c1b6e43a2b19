import { durationMillis, formatDuration } from '@bellwether/contracts';
import { DAY_MINUTES, MINUTE } from '../time-grid.js';

/** Minutes of OpenSLO's units. `m` is minutes and `M` a month; a month, quarter or year that rolls has fixed days. */
const UNIT_MINUTES: Record<string, number> = {
  m: 1,
  h: 60,
  d: DAY_MINUTES,
  w: 7 * DAY_MINUTES,
  M: 30 * DAY_MINUTES,
  Q: 90 * DAY_MINUTES,
  Y: 365 * DAY_MINUTES,
};

/** Length of an OpenSLO duration in minutes; null when it is none. */
export function shorthandMinutes(text: string): number | null {
  const [, count, unit = ''] = /^([0-9]{1,9})([mhdwMQY])$/.exec(text) ?? [];
  const size = UNIT_MINUTES[unit];
  return count === undefined || size === undefined ? null : Number(count) * size;
}

/** An OpenSLO duration as one of ours: as it is where the unit is the same, else in the largest whole unit. */
export function fromShorthand(text: string): string | null {
  if (/^[1-9][0-9]{0,8}[mhdw]$/.test(text)) return text;
  const minutes = shorthandMinutes(text);
  return minutes === null || minutes === 0 ? null : formatDuration(minutes * MINUTE);
}

/** One of our durations in OpenSLO's, which has no seconds: up to whole minutes. */
export function toShorthand(duration: string): string {
  if (!duration.endsWith('s')) return duration;
  return formatDuration(Math.ceil(durationMillis(duration) / MINUTE) * MINUTE);
}
