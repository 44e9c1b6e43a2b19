import type { BacktestAlert } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EPOCH } from '../virtual-time.fixture.js';
import type { Firing } from './alarms.js';
import { scoreOf } from './score.js';

const MINUTE = 60_000;
const at = (minute: number): string => new Date(EPOCH + minute * MINUTE).toISOString();
const span = { from: EPOCH, to: EPOCH + 1000 * MINUTE };

type Spec = [severity: 'page' | 'ticket', tier: string, fired: number, resolved: number | null];

function firingsOf(specs: Spec[]): Firing[] {
  return [...specs]
    .sort((a, b) => a[2] - b[2])
    .map(([severity, tier, fired, resolved]) => ({
      alert: { severity, tier } as BacktestAlert,
      firedAt: EPOCH + fired * MINUTE,
      resolvedAt: resolved === null ? null : EPOCH + resolved * MINUTE,
    }));
}

const score = (specs: Spec[], incidents: [from: number, to: number][], grace = 5) =>
  scoreOf(
    firingsOf(specs),
    incidents.map(([from, to]) => ({ from: at(from), to: at(to) })),
    { span, grace: grace * MINUTE },
  );

describe('an alert finds an incident', () => {
  test.each([
    ['when it fires with its start', 100, true],
    ['while it lasts', 105, true],
    ['as it ends', 110, true],
    ['up to the grace after its end', 115, true],
    ['not later', 116, false],
    ['not before', 99, false],
  ])('%s', (_, fired, found) => {
    const { truePositives, falsePositives, falseNegatives } = score(
      [['page', 'fast', fired, fired + 3]],
      [[100, 110]],
    );
    expect([truePositives, falsePositives, falseNegatives]).toEqual(found ? [1, 0, 0] : [0, 1, 1]);
  });

  test('once, by the first of several', () => {
    const result = score(
      [
        ['page', 'fast', 103, 108],
        ['page', 'slow', 104, 140],
        ['ticket', 'fast', 106, 300],
      ],
      [[100, 110]],
    );
    expect(result).toMatchObject({
      truePositives: 1,
      falsePositives: 0,
      precision: 1,
      recall: 1,
      detectionDelay: { mean: 180, p50: 180, p90: 180, max: 180 },
      incidents: [{ detectedAt: at(103), detectionDelay: 180, counted: true }],
    });
  });

  test('and every other that lasts then', () => {
    expect(
      score(
        [['page', 'fast', 103, 108]],
        [
          [100, 110],
          [90, 200],
          [104, 120],
        ],
      ),
    ).toMatchObject({ truePositives: 2, falseNegatives: 1, alarms: 1, precision: 1 });
  });

  test('one alert that finds three is one alarm: with a false one, half of the alarms are right', () => {
    expect(
      score(
        [
          ['page', 'fast', 105, 110],
          ['page', 'fast', 400, 410],
        ],
        [
          [100, 110],
          [101, 111],
          [102, 112],
        ],
      ),
    ).toMatchObject({ truePositives: 3, alarms: 2, falsePositives: 1, precision: 0.5, recall: 1 });
  });

  test('alerts that find the same one are one alarm, those of two incidents are two', () => {
    const specs: Spec[] = [
      ['page', 'fast', 102, 104],
      ['page', 'fast', 107, 109],
      ['ticket', 'slow', 201, 300],
    ];
    const incidents: [number, number][] = [
      [100, 110],
      [200, 210],
    ];
    expect(score(specs, incidents)).toMatchObject({ alarms: 2, precision: 1 });
  });

  test('but one that was firing before does not find it; that is said', () => {
    const { truePositives, falseNegatives, incidents } = score([['ticket', 'slow', 50, 200]], [[100, 110]]);
    expect([truePositives, falseNegatives, incidents[0]?.firingBefore]).toEqual([0, 1, true]);
  });
});

describe('a false alarm', () => {
  test('is all alerts without an incident that overlap', () => {
    const result = score(
      [
        ['page', 'fast', 10, 15],
        ['page', 'slow', 12, 40],
        ['ticket', 'fast', 30, 50],
        ['page', 'fast', 60, null],
      ],
      [],
    );
    expect(result).toMatchObject({ truePositives: 0, falsePositives: 2, precision: 0, recall: null });
  });

  test('is told from one that overlaps with an alert that found something', () => {
    expect(
      score(
        [
          ['ticket', 'slow', 102, 400],
          ['page', 'fast', 300, 310],
        ],
        [[100, 110]],
      ),
    ).toMatchObject({ truePositives: 1, falsePositives: 1, precision: 0.5 });
  });

  test('is no ticket that comes while the page that found the incident is firing', () => {
    const specs: Spec[] = [
      ['page', 'slow', 102, 140],
      ['ticket', 'fast', 125, 230],
    ];
    const { alarms, falsePositives, precision, parts } = score(specs, [[100, 110]]);
    expect([alarms, falsePositives, precision]).toEqual([1, 0, 1]);
    expect(parts.map((part) => [part.severity, part.alarms, part.falsePositives, part.recall])).toEqual([
      ['page', 1, 0, 1],
      ['page', 1, 0, 1],
      ['ticket', 1, 0, 0],
      ['ticket', 1, 0, 0],
    ]);
  });

  test('is what comes while an alert is firing that found nothing itself, and only joined', () => {
    const specs: Spec[] = [
      ['page', 'slow', 102, 140],
      ['ticket', 'slow', 125, 900],
      ['ticket', 'fast', 500, 600],
    ];
    expect(score(specs, [[100, 110]])).toMatchObject({ alarms: 2, falsePositives: 1, precision: 0.5 });
  });
});

test('what fires within the span is judged, what begins within it is counted', () => {
  const result = score(
    [
      ['page', 'fast', -20, 10], // before: not judged
      ['page', 'fast', 5, 10], // explained by an incident that began before
    ],
    [
      [-30, 6], // not counted
      [1000, 1010], // not counted
      [500, 510],
    ],
  );
  expect(result).toMatchObject({
    truePositives: 0,
    falsePositives: 0,
    falseNegatives: 1,
    alarms: 1,
    precision: 1,
  });
  expect(result.incidents.map(({ counted }) => counted)).toEqual([false, false, true]);
});

test('each severity and each alert has a score of its own', () => {
  const { parts } = score(
    [
      ['page', 'fast', 102, 110],
      ['page', 'slow', 104, 150],
      ['page', 'slow', 500, 550],
      ['ticket', 'slow', 108, 150],
    ],
    [
      [100, 110],
      [200, 210],
    ],
  );
  expect(
    parts.map(({ severity, tier, truePositives: t, falsePositives: f, recall, detectionDelay }) => [
      severity,
      tier,
      t,
      f,
      recall,
      detectionDelay?.max,
    ]),
  ).toEqual([
    ['page', null, 1, 1, 0.5, 120],
    ['page', 'fast', 1, 0, 0.5, 120],
    ['page', 'slow', 1, 1, 0.5, 240],
    ['ticket', null, 1, 0, 0.5, 480],
    ['ticket', 'slow', 1, 0, 0.5, 480],
  ]);
});

test('percentiles of the delay are delays that occurred, by nearest rank', () => {
  const incidents = Array.from({ length: 10 }, (_, i): [number, number] => [i * 50, i * 50 + 20]);
  const specs = incidents.map(([from], i): Spec => ['page', 'fast', from + i + 1, from + i + 2]);
  expect(score(specs, incidents).detectionDelay).toEqual({ mean: 330, p50: 300, p90: 540, max: 600 });
});

test('every counted incident is found or missed; an alert more never lowers recall', () => {
  const spec = fc
    .tuple(
      fc.constantFrom('page' as const, 'ticket' as const),
      fc.constantFrom('fast', 'slow'),
      fc.nat(900),
      fc.nat(100),
    )
    .map(([severity, tier, fired, length]): Spec => [severity, tier, fired, fired + length]);
  const incident = fc
    .tuple(fc.nat(900), fc.nat(60))
    .map(([from, length]): [number, number] => [from, from + length]);
  fc.assert(
    fc.property(fc.array(spec), fc.array(incident), spec, (specs, incidents, more) => {
      const before = score(specs, incidents);
      const after = score([...specs, more], incidents);
      expect(before.truePositives + before.falseNegatives).toBe(incidents.length);
      expect(after.truePositives).toBeGreaterThanOrEqual(before.truePositives);
      expect(before.falsePositives).toBeLessThanOrEqual(before.alarms);
      expect(before.alarms).toBeLessThanOrEqual(specs.length);
      expect(before.alarms - before.falsePositives).toBeLessThanOrEqual(before.truePositives);
      for (const { precision, recall } of [before, ...before.parts])
        for (const share of [precision, recall]) if (share !== null) expect(share).toBeLessThanOrEqual(1);
      // An alert that fires again while it is judged changes nothing that was found.
      expect(score([...specs, ...specs], incidents).truePositives).toBe(before.truePositives);
    }),
  );
});
