import type { SloWindow } from '@bellwether/contracts';
import type { Cursor } from '../interchange/cursor.js';
import { fromShorthand } from './shorthand.js';

type CalendarPeriod = Extract<SloWindow, { calendar: unknown }>['calendar'];

/** What OpenSLO calls the periods of a calendar; the first spelling is the one that is written. */
export const CALENDAR_PERIODS: Record<CalendarPeriod, readonly [string, ...string[]]> = {
  week: ['1w', '7d'],
  month: ['1M'],
  quarter: ['1Q', '3M'],
  year: ['1Y', '12M', '4Q'],
};

/** A start of all four periods: 2024 began on a Monday. */
export const CALENDAR_START = '2024-01-01 00:00:00';

/** The window of an SLO where OpenSLO's says none. */
const DEFAULT_WINDOW = '30d';

/**
 * The window of an SLO from `timeWindow`. Undefined: a fault is noted.
 * @param strict take nothing for what it was not written as, though the reference validator lets it pass
 */
export function importWindow(timeWindow: Cursor, strict: boolean): SloWindow | undefined {
  const [window] = timeWindow.items();
  if (window === undefined) {
    timeWindow.warn(`is missing: it is taken as ${DEFAULT_WINDOW}, rolling`);
    return { rolling: DEFAULT_WINDOW };
  }
  const calendar = window.at('calendar');
  if (calendar.present && window.at('isRolling').value !== true) {
    return importCalendar(window.at('duration'), calendar, strict);
  }
  const duration = window.at('duration');
  const rolling = fromShorthand(duration.text() ?? '');
  if (rolling === null) {
    duration.fault(
      `${duration.text() ?? '(missing)'} is not a duration: a number and one of m, h, d, w, M, Q, Y, such as 4w`,
    );
    return undefined;
  }
  if (rolling !== duration.text())
    duration.warn(`a rolling window has fixed days: it is taken as ${rolling}`);
  return { rolling };
}

function importCalendar(duration: Cursor, calendar: Cursor, strict: boolean): SloWindow | undefined {
  let text = duration.text();
  if (text === '1m' && strict) {
    duration.fault('is one minute, which no calendar has: write 1M for a month');
    return undefined;
  }
  if (text === '1m') {
    // In the specification's own example. Whoever writes it means a month: no calendar has windows of a minute.
    duration.warn('is one minute, which no calendar has: it is taken as 1M, a month; write 1M');
    text = '1M';
  }
  const period = (Object.keys(CALENDAR_PERIODS) as CalendarPeriod[]).find((name) =>
    CALENDAR_PERIODS[name].includes(text ?? ''),
  );
  if (period === undefined) {
    duration.fault(
      `${text ?? '(missing)'} is not a period of the calendar here: use 1w, 1M, 1Q or 1Y, or a rolling window`,
    );
    return undefined;
  }
  const startTime = calendar.at('startTime');
  const start = Date.parse(`${(startTime.text() ?? '').replace(' ', 'T')}Z`);
  if (Number.isNaN(start)) startTime.warn(`is no date and time: the ${period} starts ${STARTS[period]}`);
  else if (!isStart(period, new Date(start)))
    startTime.warn(`is not the start of a ${period}: here it starts ${STARTS[period]}`);
  return { calendar: period, timeZone: calendar.at('timeZone').text() ?? 'UTC' };
}

const STARTS: Record<CalendarPeriod, string> = {
  week: 'on Monday at midnight',
  month: 'on the first at midnight',
  quarter: 'on the first of January, April, July and October at midnight',
  year: 'on the first of January at midnight',
};

/** Whether a wall-clock time, read as if it were UTC, is one at which periods begin. */
function isStart(period: CalendarPeriod, time: Date): boolean {
  if (time.getTime() % 86_400_000 !== 0) return false;
  if (period === 'week') return time.getUTCDay() === 1;
  if (time.getUTCDate() !== 1) return false;
  return period === 'month' || time.getUTCMonth() % (period === 'quarter' ? 3 : 12) === 0;
}
