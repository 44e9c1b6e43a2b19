import { describe, expect, test } from '@jest/globals';
import { budgetOf, googleSre, planSlo } from './index.js';
import { definition, planOf } from './virtual-time.fixture.js';

const thresholds = (rolling: string, objective = 0.999): number[] =>
  planOf({ window: { rolling }, objective }).pairs.map((pair) => pair.threshold);

function faults(overrides: Parameters<typeof definition>[0], unit?: string) {
  const planned = planSlo(definition(overrides), unit);
  return planned.ok ? [] : planned.faults.map((fault) => fault.path);
}

describe('the preset google-sre', () => {
  test('has the windows and factors of the workbook for 30 days', () => {
    expect(planOf().pairs).toEqual([
      {
        severity: 'page',
        tier: 'fast',
        long: '1h',
        short: '5m',
        longMinutes: 60,
        shortMinutes: 5,
        threshold: 14.4,
      },
      {
        severity: 'page',
        tier: 'slow',
        long: '6h',
        short: '30m',
        longMinutes: 360,
        shortMinutes: 30,
        threshold: 6,
      },
      {
        severity: 'ticket',
        tier: 'fast',
        long: '1d',
        short: '2h',
        longMinutes: 1440,
        shortMinutes: 120,
        threshold: 3,
      },
      {
        severity: 'ticket',
        tier: 'slow',
        long: '3d',
        short: '6h',
        longMinutes: 4320,
        shortMinutes: 360,
        threshold: 1,
      },
    ]);
  });

  test.each([
    ['28d', [13.44, 5.6, 2.8, 0.933333333333]],
    ['4w', [13.44, 5.6, 2.8, 0.933333333333]],
    ['90d', [43.2, 18, 9, 3]],
    ['14d', [6.72, 2.8, 1.4, 0.466666666667]],
    ['7d', [13.44, 3.5, 1.4, 0.98]],
    ['3d', [5.76, 1.5, 0.6, 0.42]],
  ])('for %s spends the same shares: %j', (rolling, expected) => {
    expect(thresholds(rolling)).toEqual(expected);
  });

  test('scales its windows below 3 days, to whole minutes, and refuses a short one under two slices', () => {
    expect(googleSre(1440).map((pair) => [pair.long, pair.short, pair.threshold])).toEqual([
      ['20m', '2m', 5.76],
      ['2h', '10m', 1.5],
      ['8h', '40m', 0.6],
      ['1d', '2h', 0.42],
    ]);
    expect(faults({ window: { rolling: '12h' } })).toEqual(['window.rolling']);
    // As long as it would be before it is rounded: 5 minutes · 1 h ÷ 3 d.
    for (const [rolling, look] of [
      ['1h', '4s'],
      ['12h', '50s'],
      ['20h', '83s'],
    ] as const)
      expect(planSlo(definition({ window: { rolling } }))).toMatchObject({
        faults: [{ message: expect.stringContaining(`page fast would look back ${look}, less than two`) }],
      });
    expect(
      faults({
        window: { rolling: '1h' },
        alerting: { windows: [{ severity: 'page', tier: 'fast', long: '30m', short: '2m', burn: 2 }] },
      }),
    ).toEqual([]);
  });

  test('leaves out what a low objective makes unreachable, with a warning', () => {
    const planned = planSlo(definition({ objective: 0.93 }));
    expect(planned).toMatchObject({
      ok: true,
      plan: { pairs: [{ tier: 'slow' }, { tier: 'fast' }, { tier: 'slow' }] },
      warnings: [expect.stringContaining('page fast is left out: its burn rate of 14.4')],
    });
    expect(thresholds('30d', 0.931)).toHaveLength(4);
    expect(planSlo(definition({ objective: 0.1, window: { rolling: '90d' } }))).toMatchObject({
      ok: true,
      plan: { pairs: [] },
      warnings: expect.arrayContaining(['alerting: nothing will alert on this SLO']),
    });
    expect(planSlo(definition({ alerting: { preset: 'none' } }))).toMatchObject({ ok: true, warnings: [] });
  });
});

describe('windows of the definition itself', () => {
  const window = { severity: 'page', tier: 'fast', long: '1h', short: '5m', burn: 14.4 };
  const custom = (...windows: object[]) => ({
    alerting: { windows: windows.map((other) => ({ ...window, ...other })) },
  });

  test('replace the preset', () => {
    expect(planOf(custom({ burn: 10 }, { tier: 'slow', long: '2d' })).windows.map(({ key }) => key)).toEqual([
      '5',
      '60',
      '2880',
      '43200',
    ]);
  });

  test('are refused where they can never fire: 1/B or more', () => {
    expect(faults(custom({ burn: 1000 }))).toEqual(['alerting.windows.0.burn']);
    expect(faults(custom({ burn: 999.9 }))).toEqual([]);
    expect(faults({ ...custom({ burn: 10 }), objective: 0.9 })).toEqual(['alerting.windows.0.burn']);
    expect(faults({ ...custom({ burn: 9.99 }), objective: 0.9 })).toEqual([]);
  });

  test('are refused where they make no sense', () => {
    expect(faults(custom({ short: '1m' }))).toEqual(['alerting.windows.0.short']);
    expect(faults(custom({ short: '90s' }))).toContain('alerting.windows.0.short');
    expect(faults(custom({ short: '2h' }))).toEqual(['alerting.windows.0.short']);
    expect(faults(custom({ long: '31d' }))).toEqual(['alerting.windows.0.long']);
    expect(faults(custom({}, {}))).toEqual(['alerting.windows.1']);
  });
});

describe('a definition', () => {
  const slices = { method: 'timeslices', sliceTarget: 0.9 };
  const wholeSlices = { method: 'timeslices' };
  const percentile = { kind: 'percentile', p: 0.95, op: 'lte', value: 1 };
  const mean = { kind: 'mean', op: 'gte', value: 99 };

  test('that judges slices as a whole needs a method of slices', () => {
    expect(faults({ indicator: percentile })).toEqual(['indicator.kind']);
    expect(faults({ indicator: mean })).toEqual(['indicator.kind']);
    for (const indicator of [percentile, mean]) {
      expect(faults({ indicator, budgeting: wholeSlices })).toEqual([]);
      expect(faults({ indicator, budgeting: { method: 'ratio-timeslices' } })).toEqual([]);
      expect(faults({ indicator: { ...indicator, unit: 's' }, budgeting: wholeSlices }, 'bytes')).toEqual([
        'indicator.unit',
      ]);
      expect(faults({ indicator, budgeting: wholeSlices, alerting: { minBad: 2 } })).toEqual([
        'alerting.minBad',
      ]);
      expect(faults({ indicator, budgeting: wholeSlices, alerting: { minTotal: 2 } })).toEqual([]);
    }
  });

  test.each([percentile, mean])(
    'of slices that $kind judges as a whole has no use for sliceTarget',
    (indicator) => {
      const warned = planSlo(definition({ indicator, budgeting: { ...slices, sliceTarget: 0.5 } }));
      expect(warned).toMatchObject({
        ok: true,
        warnings: [expect.stringContaining(`budgeting.sliceTarget: has no meaning with "${indicator.kind}"`)],
      });
      expect(warned.ok && warned.plan.rule?.key).toBe(
        planOf({ indicator, budgeting: wholeSlices }).rule?.key,
      );
    },
  );

  test('that counts in slices says from which share of good events on a slice is good', () => {
    expect(faults({ budgeting: wholeSlices })).toEqual(['budgeting.sliceTarget']);
    expect(faults({ budgeting: slices })).toEqual([]);
    const indicator = { kind: 'threshold', op: 'lte', value: 1 };
    expect(faults({ indicator, budgeting: wholeSlices })).toEqual([]);
  });

  test('has slices of whole minutes, up to a day, that fit its window', () => {
    const slice = (length: string, rolling = '30d') =>
      faults({ budgeting: { ...slices, slice: length }, window: { rolling }, alerting: { preset: 'none' } });
    expect(slice('30s')).toEqual(['budgeting.slice']);
    expect(slice('90s')).toEqual(['budgeting.slice']);
    expect(slice('2d')).toEqual(['budgeting.slice']);
    expect(slice('7m')).toEqual(['window.rolling']);
    expect(slice('7m', '7d')).toEqual([]);
    expect(slice('1d')).toEqual([]);
  });

  test('looks back over two slices at least', () => {
    const window = { severity: 'page', tier: 'fast', long: '1h', short: '9m', burn: 10 };
    const fiveMinutes = { ...slices, slice: '5m' };
    expect(faults({ budgeting: fiveMinutes })).toEqual(['budgeting.slice']);
    expect(faults({ budgeting: { ...slices, slice: '2m' } })).toEqual([]);
    expect(faults({ budgeting: fiveMinutes, alerting: { windows: [window] } })).toEqual([
      'alerting.windows.0.short',
    ]);
    expect(faults({ budgeting: fiveMinutes, alerting: { windows: [{ ...window, short: '10m' }] } })).toEqual(
      [],
    );
  });

  test('cannot count absent events as bad, but absent slices', () => {
    expect(faults({ missingData: 'bad' })).toEqual(['missingData']);
    expect(faults({ missingData: 'bad', budgeting: slices })).toEqual([]);
    expect(faults({ missingData: 'good' })).toEqual([]);
  });

  test('over a period of the calendar has the burn rates of 7, 30, 90 and 365 days', () => {
    const fast = (calendar: string) => planOf({ window: { calendar } }).pairs[0]?.threshold;
    expect(['week', 'month', 'quarter', 'year'].map(fast)).toEqual([13.44, 14.4, 43.2, 175.2]);
    const plan = planOf({ window: { calendar: 'month', timeZone: 'Europe/Berlin' } });
    expect(plan.window.key).toBe('month@Europe/Berlin');
    expect(plan.windows.map(({ label }) => label)).toEqual([
      '5m',
      '30m',
      '1h',
      '2h',
      '6h',
      '1d',
      '3d',
      'month',
    ]);
  });

  test('needs a window of whole minutes, no longer than measurements are kept', () => {
    expect(faults({ window: { rolling: '90s' } })).toEqual(['window.rolling']);
    expect(faults({ window: { rolling: '401d' } })).toEqual(['window.rolling']);
    expect(faults({ window: { rolling: '400d' } })).toEqual([]);
  });

  test('must not compare a bound with something else than the SLI measures', () => {
    const indicator = { kind: 'threshold', op: 'lte', value: 0.5, unit: 's' };
    expect(faults({ indicator }, 'bytes')).toEqual(['indicator.unit']);
    expect(faults({ indicator }, 'ms')).toEqual([]);
    expect(faults({ indicator }, 'count')).toEqual([]);
    expect(planSlo(definition(), 'ms')).toMatchObject({
      ok: true,
      warnings: [expect.stringContaining('measured in "ms"')],
    });
  });

  test('says in which unit the values of an SLI without one are taken', () => {
    const warningsOf = (unit: string | undefined, sliUnit: string | undefined) =>
      planSlo(definition({ indicator: { kind: 'threshold', op: 'lte', value: 300, unit } }), sliUnit);
    for (const sliUnit of [undefined, 'none'])
      expect(warningsOf('ms', sliUnit)).toMatchObject({
        ok: true,
        warnings: [expect.stringMatching(/^indicator[.]unit: the SLI says no unit.* taken as ms/)],
      });
    expect(warningsOf('ms', 's')).toMatchObject({ ok: true, warnings: [] });
    expect(warningsOf(undefined, undefined)).toMatchObject({ ok: true, warnings: [] });
  });

  test.each(['threshold', 'percentile', 'mean'])('says that a %s has no reading for counts', (kind) => {
    const slo = {
      indicator: { kind, op: 'lte', value: 0.5, ...(kind === 'percentile' && { p: 0.9 }) },
      budgeting: { method: kind === 'threshold' ? 'occurrences' : 'timeslices' },
    };
    const warningsOf = (unit: string | undefined) => planSlo(definition(slo), unit);
    expect(warningsOf('count')).toMatchObject({
      ok: true,
      warnings: [expect.stringMatching(`measured in "count", and a ${kind} looks at values and histograms`)],
    });
    for (const unit of ['none', 's', undefined])
      expect(warningsOf(unit)).toMatchObject({ ok: true, warnings: [] });
  });

  test('keeps a budget without float residue', () => {
    expect(budgetOf(0.999)).toBe(0.001);
    expect(budgetOf(0.99999)).toBe(0.00001);
    expect(budgetOf(0.9999999)).toBe(0.0000001);
    expect(faults({ objective: 1 - 1e-14 })).toEqual(['objective']);
  });
});
