import { describe, expect, test } from '@jest/globals';
import { at, burnRatePolicy, faultsOf, imported, slo, threshold } from './openslo.fixture.js';

describe('strict follows the reference validator, lenient warns and reads on', () => {
  const cases: [string, object, string, RegExp][] = [
    ['op on a ratio', slo({}, { op: 'gt' }), 'spec.objectives.0.op', /forbidden with ratioMetric/],
    ['a value on a ratio', slo({}, { value: 1 }), 'spec.objectives.0.value', /forbidden with ratioMetric/],
    ['no method', slo({ budgetingMethod: undefined }), 'spec.budgetingMethod', /Occurrences/],
    [
      'a calendar without a start',
      slo({ timeWindow: [{ duration: '1M', isRolling: false, calendar: { timeZone: 'Europe/Berlin' } }] }),
      'spec.timeWindow.0.calendar.startTime',
      /required|starts on the first/,
    ],
    [
      'a start that is no date',
      slo({
        timeWindow: [
          { duration: '1w', isRolling: false, calendar: { startTime: 'Monday', timeZone: 'UTC' } },
        ],
      }),
      'spec.timeWindow.0.calendar.startTime',
      /date and time/,
    ],
    [
      'a calendar on a rolling window',
      slo({
        timeWindow: [
          {
            duration: '1w',
            isRolling: true,
            calendar: { startTime: '2024-01-01 00:00:00', timeZone: 'UTC' },
          },
        ],
      }),
      'spec.timeWindow.0',
      /must not have a calendar/,
    ],
    [
      'a calendar of a minute, which stands for a month',
      slo({
        timeWindow: [{ duration: '1m', calendar: { startTime: '2024-01-01 00:00:00', timeZone: 'UTC' } }],
      }),
      'spec.timeWindow.0.duration',
      /is taken as 1M, a month/,
    ],
    ['no window', slo({ timeWindow: undefined }), 'spec.timeWindow', /required|30d, rolling/],
    [
      'a name that is none',
      { ...slo(), metadata: { name: 'Web_Availability' } },
      'metadata.name',
      /DNS label|becomes "web-availability"/,
    ],
    [
      'slices as a number',
      slo({ budgetingMethod: 'Timeslices' }, { timeSliceTarget: 0.9, timeSliceWindow: 5 }),
      'spec.objectives.0.timeSliceWindow',
      /string|duration/,
    ],
    ['a field that is not known', slo({ owner: 'me' }), 'spec.owner', /not known to OpenSLO/],
  ];
  test.each(cases)('%s', (_, document, path, message) => {
    const strict = imported(document, { strict: true, prometheusUrl: at });
    expect(strict.ok).toBe(false);
    expect(strict.ok ? [] : strict.faults.map((fault) => fault.path)).toContain(path);
    const lenient = imported(document);
    expect(faultsOf(lenient)).toEqual([]);
    expect(lenient.warnings.find((warning) => warning.path === path)?.message).toMatch(message);
  });

  const refused: [string, object, string][] = [
    ['a target of 1', slo({}, { target: 1 }), 'spec.objectives.0.target'],
    ['a target that is a percentage', slo({}, { target: 99.5 }), 'spec.objectives.0.target'],
    ['no target', slo({}, { target: undefined }), 'spec.objectives.0.target'],
    [
      'a zone that is none',
      slo({
        timeWindow: [
          { duration: '1M', calendar: { startTime: '2024-01-01 00:00:00', timeZone: 'Mars/Olympus' } },
        ],
      }),
      'spec.timeWindow.0.calendar.timeZone',
    ],
    ['a threshold without op', slo({ indicator: threshold }, { value: 1 }), 'spec.objectives.0.op'],
    ['a threshold without value', slo({ indicator: threshold }, { op: 'lt' }), 'spec.objectives.0.value'],
    [
      'a calendar of two weeks',
      slo({
        timeWindow: [{ duration: '2w', calendar: { startTime: '2024-01-01 00:00:00', timeZone: 'UTC' } }],
      }),
      'spec.timeWindow.0.duration',
    ],
    ['another version', { ...slo(), apiVersion: 'openslo/v3' }, 'apiVersion'],
    ['another kind', { ...slo(), kind: 'Budget' }, 'kind'],
    [
      'a composite',
      slo({ indicator: undefined }, { indicatorRef: 'a', compositeWeight: 1 }),
      'spec.objectives',
    ],
  ];
  const slices = (spec: object, objective: object) =>
    slo({ budgetingMethod: 'Timeslices', ...spec }, objective);
  const unplanned: [string, object, string][] = [
    [
      'slices of a month',
      slices({}, { timeSliceTarget: 0.9, timeSliceWindow: '1M' }),
      'spec.objectives.0.timeSliceWindow: 1M, read as budgeting.slice, must not be longer than a day',
    ],
    [
      'slices of a week',
      slices({}, { timeSliceTarget: 0.9, timeSliceWindow: '1w' }),
      'spec.objectives.0.timeSliceWindow: 1w, read as budgeting.slice, must not be longer than a day',
    ],
    [
      'a window that is no whole number of slices',
      slices(
        { timeWindow: [{ duration: '30d', isRolling: true }] },
        { timeSliceTarget: 0.9, timeSliceWindow: '7m' },
      ),
      'spec.timeWindow.0.duration: 30d, read as window.rolling, must be a whole number of slices of 7m',
    ],
    [
      'a window of two years',
      slo({ timeWindow: [{ duration: '2Y', isRolling: true }] }),
      'spec.timeWindow.0.duration: 2Y, read as window.rolling, must not be longer than measurements are kept: 400d',
    ],
    [
      'a window of a minute',
      slo({ timeWindow: [{ duration: '1m', isRolling: true }] }),
      'spec.timeWindow.0.duration: 1m, read as window.rolling, must be a whole number of minutes, at least 2m',
    ],
    [
      'slices without a target',
      slices({}, { timeSliceWindow: '5m' }),
      'spec.objectives.0.timeSliceTarget: budgeting.sliceTarget is needed: the share of good events',
    ],
    [
      'slices with a target of 0',
      slices({}, { timeSliceTarget: 0, timeSliceWindow: '5m' }),
      'spec.objectives.0.timeSliceTarget: 0, read as budgeting.sliceTarget, must be more than 0',
    ],
    [
      'a look-back that is longer than the window',
      slo({ alertPolicies: [burnRatePolicy(2, '5w')] }),
      'lookbackWindow: 5w, read as alerting.windows.0.long, must not be longer than the window of the SLO',
    ],
  ];
  test.each(unplanned)('%s, which no SLO can have here, is refused where it stands', (_, document, fault) => {
    expect(faultsOf(imported(document))).toEqual([expect.stringContaining(fault)]);
  });

  test.each(refused)('%s is refused by both', (_, document, path) => {
    for (const strict of [true, false]) {
      const result = imported(document, { strict });
      expect(result.ok).toBe(false);
      if (!strict) expect(result.ok ? [] : result.faults.map((fault) => fault.path)).toContain(path);
    }
  });
});
