/** Milliseconds of a minute: the bucket. */
export const MINUTE = 60_000;
/** Minutes of an hour: the block. */
export const HOUR_MINUTES = 60;
/** Minutes of a day. */
export const DAY_MINUTES = 1440;

/** The minute (whole minutes since the epoch) that an instant in epoch milliseconds lies in. */
export const minuteOf = (at: number): number => Math.floor(at / MINUTE);
/** The hour (whole hours since the epoch) that a minute lies in. */
export const hourOf = (minute: number): number => Math.floor(minute / HOUR_MINUTES);
