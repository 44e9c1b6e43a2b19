import { describe, expect, test } from '@jest/globals';
import { at, faultsOf, imported, slo, threshold } from './openslo.fixture.js';

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
      '',
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
  test.each(refused)('%s is refused by both', (_, document, path) => {
    for (const strict of [true, false]) {
      const result = imported(document, { strict });
      expect(result.ok).toBe(false);
      if (!strict) expect(result.ok ? [] : result.faults.map((fault) => fault.path)).toContain(path);
    }
  });
});
