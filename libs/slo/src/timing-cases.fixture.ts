import type { SloDefinition } from '@bellwether/contracts';
import type { Stretch } from './timing-oracle.fixture.js';

/** Seconds after the fault began: when an alert fires, and when it resolves. */
type Times = [fires: number, resolves: number][];
type Tiers = Partial<Record<'page fast' | 'page slow' | 'ticket fast' | 'ticket slow', Times>>;

export interface TimingCase {
  name: string;
  /** What differs from T = 0.999, W = 30 d and the preset. */
  definition: Partial<Record<keyof SloDefinition, unknown>>;
  /** Clean minutes before the fault. */
  history: number;
  /** Requests a minute before the fault and after it. */
  rate: number;
  fault: Stretch[];
  expected: Tiers;
}

const HOUR = 60;
/** More than the longest look-back. */
const LONG = 73 * HOUR;
const RATE = 120_000;

const timing = (
  name: string,
  faults: [minutes: number, bad: number, rate?: number][],
  expected: Tiers,
  { definition = {}, history = LONG, rate = RATE }: Partial<TimingCase> = {},
): TimingCase => ({
  name,
  definition,
  history,
  rate,
  fault: faults.map(([minutes, bad, other = rate]) => ({ minutes, bad, rate: other })),
  expected,
});

/** Detection B/e · factor · L from the fault's start; the end of the fault + S · (1 - factor · B/e). */
export const ORACLE: TimingCase[] = [
  timing('15 % for 10 min', [[10, 0.15]], { 'page fast': [[345.6, 600 + 271.2]] }),
  timing('100 % for 10 min', [[10, 1]], {
    'page fast': [[51.84, 600 + 295.68]],
    'page slow': [[129.6, 600 + 1789.2]],
    'ticket fast': [[259.2, 600 + 7178.4]],
    'ticket slow': [[259.2, 600 + 21_578.4]],
  }),
  timing('100 % for 1 min', [[1, 1]], { 'page fast': [[51.84, 60 + 295.68]] }),
  timing('1.5 % for 3 h', [[3 * HOUR, 0.015]], {
    'page fast': [[3456, 10_800 + 12]],
    'page slow': [[8640, 10_800 + 1080]],
  }),
  timing('0.7 % for 6 h', [[6 * HOUR, 0.007]], { 'page slow': [[18_514.29, 21_600 + 257.14]] }),
  timing('0.35 % for 30 h', [[30 * HOUR, 0.0035]], {
    'ticket fast': [[74_057.14, 108_000 + 1028.57]],
    'ticket slow': [[74_057.14, 108_000 + 15_428.57]],
  }),
  timing('14.4 % for exactly 360 s', [[6, 0.144]], {}),
];

/** Further ones over the same SLO: histories, shapes of faults, traffic. */
export const SHAPES: TimingCase[] = [
  // A look-back longer than the history h fires at θ·h / (e - θ).
  timing(
    '15 % for 10 min after two hours',
    [[10, 0.15]],
    {
      'page fast': [[345.6, 600 + 271.2]],
      'page slow': [[(0.006 * 7200) / 0.144, 600 + 1728]],
      'ticket fast': [[(0.003 * 7200) / 0.147, 600 + 7056]],
      'ticket slow': [[(0.001 * 7200) / 0.149, 600 + 21_456]],
    },
    { history: 120 },
  ),
  timing(
    '100 % for 5 min after ten minutes',
    [[5, 1]],
    {
      'page fast': [[(0.0144 * 600) / 0.9856, 300 + 295.68]],
      'page slow': [[(0.006 * 600) / 0.994, 300 + 1789.2]],
      'ticket fast': [[(0.003 * 600) / 0.997, 300 + 7178.4]],
      'ticket slow': [[(0.001 * 600) / 0.999, 300 + 21_578.4]],
    },
    { history: 10 },
  ),
  // The second fault finds 120 s of the first in the hour: it waits for the short window alone, 0.0144 · 300 s.
  timing(
    '100 % for 2 min, twice, 20 min apart',
    [
      [2, 1],
      [20, 0],
      [2, 1],
    ],
    {
      'page fast': [
        [51.84, 120 + 295.68],
        [1320 + 4.32, 1440 + 295.68],
      ],
      'page slow': [[1320 + (129.6 - 120), 1440 + 1789.2]],
    },
  ),
  // The short windows wait for the end of the second part: S · (1 - θ / 0.02).
  timing(
    '100 % for 5 min, 2 % for 2 h',
    [
      [5, 1],
      [2 * HOUR, 0.02],
    ],
    {
      'page fast': [[51.84, 7500 + 84]],
      'page slow': [[129.6, 7500 + 1260]],
      'ticket fast': [[259.2, 7500 + 6120]],
      'ticket slow': [[259.2, 7500 + 20_520]],
    },
  ),
  // 10 of 10 requests a second are bad, with 100 a second in the rest of the window: x · 10 = θ · (100 · w - 90 · x).
  timing('100 % for 10 min of a tenth of the traffic', [[10, 1, RATE / 10]], {
    'page fast': [
      [(0.0144 * 360_000) / (10 + 0.0144 * 90), 600 + 300 - (0.0144 * 30_000) / (10 + 0.0144 * 90)],
    ],
  }),
  // Each minute at 50 % counts 30 s: the 51.84 s are full 43.68 s into the second one, the 129.6 s 19.2 s into the fifth.
  timing(
    '50 % in the first of every 5 min, five times',
    [0, 1, 2, 3, 4].flatMap((i): [number, number][] => [
      [1, 0.5],
      ...(i < 4 ? [[4, 0] as [number, number]] : []),
    ]),
    {
      'page fast': [[343.68, 1260 + 291.36]],
      'page slow': [[1219.2, 1260 + 1778.4]],
    },
  ),
  // 6 s and 30 s of the allowed ones are spent when the last step begins.
  timing(
    '1 %, 5 %, 25 % for 10 min each',
    [
      [10, 0.01],
      [10, 0.05],
      [10, 0.25],
    ],
    {
      'page fast': [[1200 + (51.84 - 36) / 0.25, 1800 + 282.72]],
      'page slow': [[1200 + (129.6 - 36) / 0.25, 1800 + 1756.8]],
    },
  ),
];

/** Further ones over other objectives, windows, alerts and floors. */
export const OTHER_SLOS: TimingCase[] = [
  timing(
    'T 0.99: 50 % for 45 min',
    [[45, 0.5]],
    { 'page fast': [[1036.8, 2700 + 213.6]], 'page slow': [[2592, 2700 + 1584]] },
    { definition: { objective: 0.99 } },
  ),
  timing(
    'T 0.9999: 1 % for 10 min',
    [[10, 0.01]],
    {
      'page fast': [[518.4, 600 + 256.8]],
    },
    { definition: { objective: 0.9999 } },
  ),
  timing(
    'T 0.9995 over 7 d: 5 % for 3 h',
    [[3 * HOUR, 0.05]],
    {
      'page fast': [[483.84, 10_800 + 259.68]],
      'page slow': [[756, 10_800 + 1737]],
      'ticket fast': [[1209.6, 10_800 + 7099.2]],
      'ticket slow': [[2540.16, 10_800 + 21_388.32]],
    },
    { definition: { objective: 0.9995, window: { rolling: '7d' } } },
  ),
  timing(
    'T 0.995 over 28 d: 25 % for 2 h',
    [[2 * HOUR, 0.25]],
    {
      'page fast': [[967.68, 7200 + 219.36]],
      'page slow': [[2419.2, 7200 + 1598.4]],
      'ticket fast': [[4838.4, 7200 + 6796.8]],
      'ticket slow': [[4838.4, 7200 + 21_196.8]],
    },
    { definition: { objective: 0.995, window: { rolling: '28d' } } },
  ),
  timing(
    'over 90 d: 20 % for 1 h',
    [[HOUR, 0.2]],
    { 'page fast': [[777.6, 3600 + 235.2]], 'page slow': [[1944, 3600 + 1638]] },
    { definition: { window: { rolling: '90d' } } },
  ),
  timing(
    'a catalogue of its own: 10 % for 20 min',
    [[20, 0.1]],
    { 'page fast': [[259.2, 1200 + 102.72]], 'page slow': [[518.4, 1200 + 856.8]] },
    {
      definition: {
        alerting: {
          windows: [
            { severity: 'page', tier: 'fast', long: '30m', short: '2m', burn: 14.4 },
            { severity: 'page', tier: 'slow', long: '3h', short: '15m', burn: 4.8 },
            { severity: 'ticket', tier: 'fast', long: '12h', short: '1h', burn: 3 },
            { severity: 'ticket', tier: 'slow', long: '36h', short: '3h', burn: 1 },
          ],
        },
      },
    },
  ),
  // A tenth of a request a second: 30 bad ones take 300 s, and all tiers wait for them.
  timing(
    'a total failure of little traffic, once 30 requests have failed',
    [[HOUR, 1]],
    {
      'page fast': [[300, 3600 + 295.68]],
      'page slow': [[300, 3600 + 1789.2]],
      'ticket fast': [[300, 3600 + 7178.4]],
      'ticket slow': [[300, 3600 + 21_578.4]],
    },
    { definition: { alerting: { minBad: 30 } }, rate: 6 },
  ),
  timing(
    'too little traffic in the hour, enough in six',
    [[5, 1]],
    {
      'page slow': [[129.6, 300 + 1789.2]],
      'ticket fast': [[259.2, 300 + 7178.4]],
      'ticket slow': [[259.2, 300 + 21_578.4]],
    },
    { definition: { alerting: { minTotal: 1000 } }, rate: 6 },
  ),
];

/** The whole of a case's traffic: history, fault, and clean minutes after it. */
export const trafficOf = ({ history, rate, fault }: TimingCase, after: number): Stretch[] => [
  { minutes: history, rate, bad: 0 },
  ...fault,
  { minutes: after, rate, bad: 0 },
];
