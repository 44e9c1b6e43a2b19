/** Seconds of a day and of an hour. */
export const DAY = 86_400;
export const HOUR = 3600;
/** Requests a second: every error ratio of the table is a whole number of them. */
export const RATE = 2000;

/** Seconds after the fault begins at which an alert fires, and after it ends at which it resolves; null: it never fires. */
export type Expected = Partial<
  Record<'page fast' | 'page slow' | 'ticket fast' | 'ticket slow', [number, number]>
>;

export interface Case {
  name: string;
  /** Bad share during the fault. */
  ratio: number;
  /** Seconds. */
  fault: number;
  expected: Expected;
}

/**
 * T = 0.999, W = 30 d, a long clean history: detection (B / e) · factor · L, reset S · (1 - factor · B / e), where an alert
 * that fired is held by its long window the later of both; confirmed by a simulation second by second.
 */
export const ORACLE: Case[] = [
  { name: '15 % for 10 min', ratio: 0.15, fault: 600, expected: { 'page fast': [345.6, 271.2] } },
  {
    name: '100 % for 10 min',
    ratio: 1,
    fault: 600,
    expected: {
      'page fast': [51.84, 295.68],
      'page slow': [129.6, 1789.2],
      'ticket fast': [259.2, 7178.4],
      'ticket slow': [259.2, 21578.4],
    },
  },
  { name: '100 % for 1 min', ratio: 1, fault: 60, expected: { 'page fast': [51.84, 295.68] } },
  {
    name: '1.5 % for 3 h',
    ratio: 0.015,
    fault: 3 * HOUR,
    expected: { 'page fast': [3456, 12], 'page slow': [8640, 1080] },
  },
  { name: '0.7 % for 6 h', ratio: 0.007, fault: 6 * HOUR, expected: { 'page slow': [18514.29, 257.14] } },
  {
    name: '0.35 % for 30 h',
    ratio: 0.0035,
    fault: 30 * HOUR,
    expected: { 'ticket fast': [74057.14, 1028.57], 'ticket slow': [74057.14, 15428.57] },
  },
  { name: '14.4 % for exactly 360 s', ratio: 0.144, fault: 360, expected: {} },
];
