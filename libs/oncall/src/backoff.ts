const firstDelays = [1, 5, 15, 60] as const;
const laterDelay = 300;

/** How long to wait after the `failures`-th failure of a delivery (from 1), in milliseconds. */
export function retryDelay(failures: number): number {
  return 1000 * (firstDelays[failures - 1] ?? laterDelay);
}

/** A notice that a page ended is not worth more calls than this. */
export const noticeAttempts = firstDelays.length + 1;
