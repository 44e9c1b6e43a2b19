import { type AlertPair, alertKey, EPSILON } from '../alert-pairs.js';

/** One of a definition's `alerting.windows`. */
export type AlertWindowFields = Pick<AlertPair, 'severity' | 'tier' | 'long' | 'short'> & { burn: number };

/** Whether windows, as a file has them, are these pairs. */
export function samePairs(windows: AlertWindowFields[], pairs: AlertPair[]): boolean {
  return (
    windows.length === pairs.length &&
    pairs.every((pair) =>
      windows.some(
        (window) =>
          alertKey(window) === alertKey(pair) &&
          window.long === pair.long &&
          window.short === pair.short &&
          Math.abs(window.burn - pair.threshold) <= EPSILON * pair.threshold,
      ),
    )
  );
}
