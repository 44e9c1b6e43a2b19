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
    /** Such as `FREQ=WEEKLY;BYDAY=FR`. */
    rrule: text(500),
    start: localDateTime,
    duration,
    timeZone,
  })
  .meta({ id: 'Recurrence' });
export type Recurrence = z.infer<typeof recurrence>;
