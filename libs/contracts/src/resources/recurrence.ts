import { z } from 'zod';
import { text } from '../names.js';
import { duration, localDateTime, timeZone } from '../time.js';

/**
 * Spans that come again: an RFC 5545 rule over a local wall clock. `start` is the first span's beginning (DTSTART) in
 * `timeZone`; later ones begin at the same wall-clock time, whatever the clocks did in between. A duration in days or
 * weeks ends at the same wall-clock time, one in hours or less after exactly so long (RFC 5545, 3.3.6).
 */
export const recurrence = z
  .strictObject({
    rrule: text(500).describe(
      'RFC 5545 rule such as `FREQ=WEEKLY;BYDAY=FR`: DAILY, WEEKLY, MONTHLY or YEARLY, with INTERVAL, COUNT or UNTIL, BYDAY, BYMONTH, and for months and years BYMONTHDAY and BYSETPOS',
    ),
    start: localDateTime.describe('Local time at which the first span begins'),
    duration: duration.describe(
      'How long each lasts. Days and weeks are of the calendar, hours and minutes of the clock',
    ),
    timeZone: timeZone.describe('Zone of `start`, and of the wall clock that the rule follows'),
  })
  .meta({ id: 'Recurrence' });
export type Recurrence = z.infer<typeof recurrence>;
