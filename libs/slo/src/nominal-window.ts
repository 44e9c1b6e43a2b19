import { durationMillis, type SloWindow } from '@bellwether/contracts';
import { DAY_MINUTES, MINUTE } from './time-grid.js';

/**
 * Minutes of a window; of a calendar's, those of the usual period: burn rates must not change their meaning from month to
 * month.
 */
export function nominalMinutes(window: SloWindow): number {
  if ('rolling' in window) return durationMillis(window.rolling) / MINUTE;
  return { week: 7, month: 30, quarter: 90, year: 365 }[window.calendar] * DAY_MINUTES;
}
