import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  CommandRefused,
  checkedBy,
  commandCatalog,
  continuing,
  duration,
  durationMillis,
  escalationPolicy,
  eventCatalog,
  faultsOf,
  formatDuration,
  fromWireType,
  isStorable,
  keyOfStream,
  measurementBody,
  measurementPartition,
  parseOrRefuse,
  resourceName,
  rule,
  Subjects,
  schedule,
  service,
  sli,
  sloDefinition,
  timestamp,
  timeZone,
  user,
  wireType,
} from './index.js';

describe('names', () => {
  test.each(['a', 'checkout', 'a-1', 'x'.repeat(63)])('%s is a resource name', (name) => {
    expect(resourceName.safeParse(name).success).toBe(true);
  });
  test.each(['', 'A', 'a.b', 'a*', '>', '-a', 'a-', 'x'.repeat(64), 'a b', 'ä', 'a\n'])(
    '%j is not',
    (name) => {
      expect(resourceName.safeParse(name).success).toBe(false);
    },
  );
  test('text that Postgres or JSON cannot hold is refused', () => {
    expect(isStorable('a\u0000b')).toBe(false);
    expect(isStorable('a\ud800b')).toBe(false);
    expect(isStorable('a\ud83d\ude00b')).toBe(true);
  });
});

describe('times', () => {
  test('an instant comes in with any offset and goes out in UTC with milliseconds', () => {
    expect(timestamp.parse('2026-11-22T11:00:00+01:00')).toBe('2026-11-22T10:00:00.000Z');
    expect(timestamp.parse('2026-11-22T10:00:00.123456789Z')).toBe('2026-11-22T10:00:00.123Z');
  });
  test('small letters are as good as capitals', () => {
    expect(timestamp.parse('2026-11-22t11:00:00.5+01:00')).toBe('2026-11-22T10:00:00.500Z');
    expect(timestamp.parse('2026-11-22t10:00:00z')).toBe('2026-11-22T10:00:00.000Z');
  });
  test('a leap second is refused as such', () => {
    const { error } = timestamp.safeParse('2016-12-31t23:59:60z');
    expect(faultsOf(error as z.ZodError)).toEqual([
      { path: '', message: expect.stringMatching(/leap second/) },
    ]);
  });
  test.each([
    ['0000-01-01T00:00:00Z', false],
    ['0001-01-01T00:00:00Z', false],
    ['1000-01-01T00:00:00+00:01', false],
    ['0999-12-31T23:59:00-00:01', true],
    ['1000-01-01T00:00:00Z', true],
    ['9999-12-31T23:59:59.999Z', true],
    ['9999-12-31T23:59:59-01:00', false],
  ])('%s, in UTC, is in a year that can be kept: %s', (value, kept) => {
    const { success, error } = timestamp.safeParse(value);
    expect(success).toBe(kept);
    if (!kept)
      expect(error?.issues).toEqual([
        expect.objectContaining({ message: expect.stringMatching(/years 1000 to 9999/) }),
      ]);
  });
  test.each(['2026-11-22', '2026-11-22T10:00:00', '2026-02-30T10:00:00Z', 'now', ''])(
    '%j is refused',
    (value) => {
      expect(timestamp.safeParse(value).success).toBe(false);
    },
  );
  test('durations have one unit and a positive integer', () => {
    expect(durationMillis('30d')).toBe(2_592_000_000);
    expect(durationMillis('4w')).toBe(2_419_200_000);
    expect(['0s', '1h30m', '1.5h', '5', 'm', '-1m', '1M'].map((d) => duration.safeParse(d).success)).toEqual(
      Array(7).fill(false),
    );
    expect(['30s', '5m', '6h', '30d'].map((d) => formatDuration(durationMillis(d)))).toEqual([
      '30s',
      '5m',
      '6h',
      '30d',
    ]);
  });
  test('a fixed offset is not a time zone', () => {
    expect(timeZone.safeParse('Europe/Berlin').success).toBe(true);
    expect(timeZone.safeParse('+01:00').success).toBe(false);
    expect(timeZone.safeParse('Mars/Olympus').success).toBe(false);
  });
});

describe('the faults of what is not valid', () => {
  const slo = {
    name: 'a',
    service: 'b',
    sli: 'c',
    objective: 0.99,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: '30d' },
  };
  const whole = 'must be {"rolling": "30d"} or {"calendar": "month", "timeZone": "Europe/Berlin"}';
  test.each<[object, string, string]>([
    [
      { window: { rolling: '30 days' } },
      'window.rolling',
      'must be a duration such as 30s, 5m, 6h, 30d or 4w',
    ],
    [{ window: { rolling: 30 } }, 'window.rolling', 'must be a duration such as 30s, 5m, 6h, 30d or 4w'],
    [
      { window: { calendar: 'month', timeZone: 'Mars' } },
      'window.timeZone',
      'must be an IANA time zone such as Europe/Berlin',
    ],
    [{ window: { rolling: '30d', calendar: 'month' } }, 'window', whole],
    [{ window: '30d' }, 'window', whole],
    [{ window: {} }, 'window', whole],
    [{ window: undefined }, 'window', 'is required'],
    [{ budgeting: { method: 'timeslices', slices: '1m' } }, 'budgeting.slices', 'is not a known field'],
    [{ objective: undefined }, 'objective', 'is required'],
    [{ objective: 99.9 }, 'objective', 'must be below 1: write 0.999 for 99.9 %'],
    [{ objective: 1 }, 'objective', 'must be below 1: an objective of 1 leaves no budget'],
    [{ objective: 100 }, 'objective', 'must be below 1: an objective of 1 leaves no budget'],
    [
      { indicator: { kind: 'percentile', p: 95, op: 'lte', value: 1 } },
      'indicator.p',
      'must be less than 1: write 0.95 for 95 %',
    ],
    [
      { budgeting: { method: 'timeslices', sliceTarget: 95 } },
      'budgeting.sliceTarget',
      'must be at most 1: write 0.95 for 95 %',
    ],
    [{ objective: '0.9' }, 'objective', 'must be a number, not a string'],
    [{ objective: null }, 'objective', 'must be a number, not null'],
    [
      { indicator: { kind: 'ratios' } },
      'indicator.kind',
      'must be one of ratio, threshold, percentile, mean, composite',
    ],
    [{ sli: undefined }, 'sli', 'is required'],
    [
      { sli: undefined, indicator: { kind: 'composite', of: [{ slo: 'a' }] } },
      'indicator.of',
      'must have at least 2 entries',
    ],
    [
      { indicator: { kind: 'composite', of: [{ slo: 'a' }, { slo: 'b' }] } },
      'sli',
      'a composite has none of its own: leave it out',
    ],
    [{ missingData: 'ok' }, 'missingData', 'must be one of freeze, good, bad'],
    [{ alerting: { windows: [] } }, 'alerting.windows', 'must have at least 1 entry'],
    [{ alerting: { minBad: -1 } }, 'alerting.minBad', 'must be at least 0'],
    [{ labels: { 'a\u0000': 'b' } }, 'labels.a\u0000', 'its name must not contain NUL or lone surrogates'],
  ])('%j: %s %s', (change, path, message) => {
    const { error } = sloDefinition.safeParse({ ...slo, ...change });
    expect(error && faultsOf(error)).toEqual([{ path, message }]);
  });

  test('of a field that there is not say which one may have been meant', () => {
    const unknown = (change: object) => {
      const checked = checkedBy(sloDefinition, { ...slo, ...change });
      return checked.ok ? [] : checked.faults.map(({ path, message }) => `${path} ${message}`);
    };
    expect(unknown({ escalation_policy: 'shop', runbook: 'x', colour: 'red' })).toEqual([
      'escalation_policy is not a known field; did you mean escalationPolicy?',
      'runbook is not a known field; did you mean runbookUrl?',
      'colour is not a known field',
    ]);
    // Of alternatives it is the fields of the one that is meant; one that is given already is not meant again.
    expect(unknown({ indicator: { kind: 'threshold', op: 'lte', value: 1, values: 2, units: 's' } })).toEqual(
      ['indicator.values is not a known field', 'indicator.units is not a known field; did you mean unit?'],
    );
    expect(
      unknown({
        alerting: { windows: [{ severity: 'page', tier: 'fast', long: '1h', short: '5m', burns: 2 }] },
      }),
    ).toEqual([
      'alerting.windows.0.burn is required',
      'alerting.windows.0.burns is not a known field; did you mean burn?',
    ]);
  });

  test('of a field that another kind has say which one', () => {
    const faults = (schema: z.ZodType, value: object) => {
      const checked = checkedBy(schema, value);
      return checked.ok ? [] : checked.faults.map(({ path, message }) => `${path} ${message}`);
    };
    expect(faults(sloDefinition, { ...slo, indicator: { kind: 'ratio', op: 'lte', p: 0.95 } })).toEqual([
      'indicator.op goes with kind threshold, percentile or mean, not with ratio',
      'indicator.p goes with kind percentile, not with ratio',
    ]);
    expect(faults(sloDefinition, { ...slo, budgeting: { method: 'occurrences', slice: '1m' } })).toEqual([
      'budgeting.slice goes with method timeslices or ratio-timeslices, not with occurrences',
    ]);
  });

  test('of what may be a name or an object are those of what it is', () => {
    const either = z.union(
      [z.string().max(3, 'must be at most 3 characters'), z.strictObject({ a: z.number(), b: z.number() })],
      'must be a name or an object',
    );
    const faults = (value: unknown) =>
      faultsOf(either.safeParse(value).error as z.ZodError).map(({ path, message }) => `${path}: ${message}`);
    expect(faults({ c: 1 })).toEqual(['a: is required', 'b: is required', 'c: is not a known field']);
    expect(faults('long')).toEqual([': must be at most 3 characters']);
    expect(faults(7)).toEqual([': must be a name or an object']);
  });

  test('of a measurement say what a point may be', () => {
    const faults = (body: unknown) => faultsOf(measurementBody.safeParse(body).error as z.ZodError);
    const kinds = 'must have good and total, bad and total, value, or buckets, and nothing of another kind';
    expect(faults({ points: [{ good: 1, bad: 1, total: 2 }] })).toEqual([
      { path: 'points.0', message: kinds },
    ]);
    expect(faults({})).toEqual([{ path: '', message: kinds }]);
    for (const point of [{ good: 1 }, { bad: 1 }])
      expect(faults(point)).toEqual([{ path: 'total', message: 'is required' }]);
    expect(faults({ good: 3, total: 2 })).toEqual([{ path: 'good', message: 'must not be above total' }]);
    expect(faults({ points: [{ value: 'x' }] })).toMatchObject([{ path: 'points.0.value' }]);
  });
});

describe('measurements', () => {
  test.each([
    [{ good: 998, total: 1000 }],
    [{ bad: 0.5, total: 1.5, at: '2026-11-22T10:00:00Z' }],
    [{ value: -1.5, count: 3, labels: { region: 'eu' } }],
    [
      {
        buckets: [
          [0.1, 3],
          [0.5, 2],
          ['+Inf', 1],
        ],
        sum: 1.2,
      },
    ],
    [{ points: [{ good: 1, total: 1 }, { value: 3 }] }],
  ])('%j is a measurement', (body) => {
    expect(measurementBody.safeParse(body).success).toBe(true);
  });
  test.each([
    [{ good: 2, total: 1 }],
    [{ good: -1, total: 1 }],
    [{ good: 1 }],
    [{ good: 1, bad: 1, total: 2 }],
    [{ value: Number.NaN }],
    [{ value: 1e308 }],
    [{ points: [] }],
    [{ buckets: [[0.1, 3]] }],
    [
      {
        buckets: [
          [0.5, 3],
          [0.1, 3],
          ['+Inf', 0],
        ],
      },
    ],
    [{ value: 1, extra: true }],
    [null],
    ['x'],
  ])('%j is refused', (body) => {
    expect(measurementBody.safeParse(body).success).toBe(false);
  });
  test('an SLI stays in its partition', () => {
    // Stored for ever: these two may not change.
    expect(measurementPartition('checkout', 'availability')).toBe(
      measurementPartition('checkout', 'availability'),
    );
    const used = new Set(
      Array.from({ length: 400 }, (_, i) => measurementPartition(`service-${i}`, 'availability')),
    );
    expect(used.size).toBe(16);
  });
});

test('a refusal names each field', () => {
  const error = (() => {
    try {
      parseOrRefuse(schedule, {
        name: 'Pay',
        timeZone: 'Nowhere',
        layers: [{ name: 'week', rotation: { type: 'weekly', start: 'x', participants: [] } }],
      });
    } catch (thrown) {
      return thrown;
    }
    throw new Error('was not refused');
  })();
  expect(error).toBeInstanceOf(CommandRefused);
  const problem = (error as CommandRefused).problem;
  expect(problem.status).toBe(400);
  expect(problem.errors?.map((e) => e.path)).toEqual([
    'name',
    'timeZone',
    'layers.0.rotation.start',
    'layers.0.rotation.participants',
  ]);
});

test.each(Object.entries({ escalationPolicy, rule, schedule, service, sli, sloDefinition, user }))(
  'whatever a field of %s is given as, what is wrong with it is said',
  (_, schema) => {
    const fields = JSON.stringify(z.toJSONSchema(schema, { io: 'input' })).matchAll(/"(\w+)":[{]/g);
    const said = [...new Set([...fields].map(([, field]) => field as string))].flatMap((field) =>
      [5, 'x', {}, [{ x: 1 }], [5], true, null].flatMap((value) => {
        const { error } = schema.safeParse({ [field]: value });
        return error ? faultsOf(error) : [];
      }),
    );
    expect(said.filter(({ message }) => /^invalid( |$)/i.test(message))).toEqual([]);
    expect(said.length).toBeGreaterThan(20);
  },
);

test('a clear level or participant of another shape is told what it may be', () => {
  const clear = rule.safeParse({ clear: 400 }).error;
  expect(clear && faultsOf(clear)).toContainEqual({
    path: 'clear',
    message: 'must be {threshold: <number>} or {margin: <number above 0>}: where the alert resolves',
  });
  const margin = rule.safeParse({ clear: { margin: -1 } }).error;
  expect(margin && faultsOf(margin)).toContainEqual({ path: 'clear.margin', message: 'must be above 0' });
});

test('an SLO definition takes the documented defaults', () => {
  const parsed = sloDefinition.parse({
    name: 'checkout-availability',
    service: 'checkout',
    sli: 'availability',
    objective: 0.999,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: '30d' },
  });
  expect(parsed).toMatchObject({
    alerting: { preset: 'google-sre' },
    missingData: 'freeze',
    declare: { page: 'sev2', ticket: null },
    labels: {},
  });
  expect(sloDefinition.safeParse({ ...parsed, objective: 1 }).success).toBe(false);
});

test('a composite has no SLI of its own: its name stands in for it', () => {
  const journey = {
    name: 'journey',
    service: 'shop',
    objective: 0.99,
    indicator: { kind: 'composite', of: [{ slo: 'cart' }, { slo: 'pay', weight: 2 }] },
    budgeting: { method: 'timeslices' },
    window: { rolling: '30d' },
  };
  const parsed = sloDefinition.parse(journey);
  expect(parsed).toMatchObject({ sli: 'journey', indicator: { of: [{ weight: 1 }, { weight: 2 }] } });
  // What is given out may be sent again.
  expect(sloDefinition.parse(parsed)).toEqual(parsed);
});

test('wire names', () => {
  expect(wireType('incident.declared', 1)).toBe('bellwether.incident.declared.v1');
  expect(fromWireType('bellwether.slo.alert.fired.v2')).toEqual({ type: 'slo.alert.fired', schema: 2 });
  expect(Subjects.event('slo.alert.fired', 'checkout-availability')).toBe(
    'evt.slo.alert.fired.checkout-availability',
  );
  expect(keyOfStream('sli:checkout/availability')).toBe('checkout/availability');
});

describe('a change to what was there before', () => {
  const asked = { correlationId: 'request', causationId: null, actor: 'user:ada', source: '/x' };

  test('belongs to its story, and is caused by the request', () => {
    expect(continuing(asked, { correlationId: 'story' })).toEqual({
      ...asked,
      correlationId: 'story',
      causationId: 'request',
    });
  });

  test('is caused by the event where there is one', () => {
    const caused = { ...asked, causationId: 'event' };
    expect(continuing(caused, { correlationId: 'story' })).toMatchObject({
      correlationId: 'story',
      causationId: 'event',
    });
  });
});

test('every event and command has a JSON schema', () => {
  for (const [name, { data }] of Object.entries(eventCatalog))
    expect([name, z.toJSONSchema(data, { io: 'input', unrepresentable: 'throw' })]).toBeTruthy();
  for (const [name, data] of Object.entries(commandCatalog))
    expect([name, z.toJSONSchema(data, { io: 'input', unrepresentable: 'throw' })]).toBeTruthy();
});
