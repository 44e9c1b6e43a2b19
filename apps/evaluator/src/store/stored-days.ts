import { Cells, type DaySums, HOUR_MINUTES, NO_MINUTE } from '@bellwether/slo';

/** The sums of a day that is stored, and which day it is. */
export type StoredDay = DaySums & { day: number };

/** Whole-hour sums from minutes. */
export function daysOf(hours: ReadonlyMap<number, Cells>): StoredDay[] {
  const days = new Map<number, StoredDay>();
  for (const [hour, minutes] of hours) {
    const number = Math.floor(hour / 24);
    let day = days.get(number);
    if (day === undefined) {
      day = { day: number, cells: new Cells(24), firstMinutes: new Uint8Array(24).fill(NO_MINUTE) };
      days.set(number, day);
    }
    for (let minute = HOUR_MINUTES - 1; minute >= 0; minute--) {
      if (!minutes.has(minute)) continue;
      day.cells.addCell(hour - number * 24, minutes, minute);
      day.firstMinutes[hour - number * 24] = minute;
    }
  }
  return [...days.values()];
}
