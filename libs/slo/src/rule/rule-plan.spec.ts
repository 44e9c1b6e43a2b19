import { faultsOf, rule } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { planRule } from '../index.js';
import { ruleBody, rulePlan } from './virtual-rule.fixture.js';

const faults = (overrides: object, sliUnit?: string): string[] => {
  const planned = planRule(ruleBody(overrides), sliUnit);
  return planned.ok ? [] : planned.faults.map(({ path, message }) => `${path} ${message}`);
};
const warnings = (overrides: object, sliUnit?: string): string[] => {
  const planned = planRule(ruleBody(overrides), sliUnit);
  return planned.ok ? planned.warnings : ['(refused)'];
};

describe('a rule as it is written', () => {
  const said = (body: object): string[] => {
    const parsed = rule.safeParse(body);
    return parsed.success ? [] : faultsOf(parsed.error).map(({ path, message }) => `${path} ${message}`);
  };

  test('needs a runbook, and is told why', () => {
    const { runbookUrl: _, ...without } = ruleBody();
    expect(said(without)).toEqual([
      'runbookUrl is required: an alert must say what to do about it, so give the http or https URL of a page that does',
    ]);
    expect(said({ ...without, runbookUrl: 'call Ada' })).toEqual(['runbookUrl must be an http or https URL']);
  });

  test('names an aggregate, an operator and a severity that there are', () => {
    expect(said({ ...ruleBody(), aggregate: 'p75', op: '>', severity: 'sev1' })).toEqual([
      'aggregate must be one of mean, min, max, rate, ratio, p50, p90, p95, p99',
      'op must be one of lte, lt, gte, gt',
      'severity must be one of page, ticket',
    ]);
    expect(said({ ...ruleBody(), for: '5 minutes', clear: { threshold: 1, margin: 1 } })).toEqual([
      'for must be a duration such as 5m, or 0s',
      'clear must be {threshold: <number>} or {margin: <number above 0>}: where the alert resolves',
    ]);
    expect(said({ ...ruleBody(), clear: { margin: 0 } })).toEqual(['clear.margin must be above 0']);
  });
});

describe('times', () => {
  test.each([
    [{ window: '90s' }, 'window must be a whole number of minutes, at least 1m'],
    [{ window: '73h' }, 'window must not be longer than 3d; an SLO looks further back'],
    [{ for: '31d' }, 'for must not be longer than 30d'],
  ])('%j is refused', (overrides, fault) => expect(faults(overrides)).toEqual([fault]));

  test('three days and no time to hold are fine', () => {
    expect(rulePlan({ window: '3d', for: '0s' })).toMatchObject({ holdMillis: 0, window: { longest: 4320 } });
    expect(rulePlan({ window: '120s', for: '90s' })).toMatchObject({
      holdMillis: 90_000,
      window: { key: '2' },
    });
  });
});

describe('levels', () => {
  test.each([
    [
      { aggregate: 'ratio', op: 'gt', threshold: 1 },
      'threshold never holds with "gt": a ratio is from 0 to 1',
    ],
    [
      { aggregate: 'ratio', op: 'lt', threshold: 0 },
      'threshold never holds with "lt": a ratio is from 0 to 1',
    ],
    [
      { aggregate: 'ratio', op: 'lte', threshold: 1 },
      'threshold always holds with "lte": a ratio is from 0 to 1',
    ],
    [
      { aggregate: 'ratio', op: 'lt', threshold: 99 },
      'threshold always holds with "lt": a ratio is from 0 to 1',
    ],
    [
      { aggregate: 'rate', op: 'lt', threshold: 0 },
      'threshold never holds with "lt": a rate is never below 0',
    ],
    [
      { aggregate: 'rate', op: 'gte', threshold: 0 },
      'threshold always holds with "gte": a rate is never below 0',
    ],
    [
      { clear: { threshold: 91 } },
      'clear.threshold must not be above the threshold: it is what the value has to pass to resolve',
    ],
    [
      { op: 'lte', clear: { threshold: 89 } },
      'clear.threshold must not be below the threshold: it is what the value has to pass to resolve',
    ],
    [
      { aggregate: 'ratio', op: 'lt', threshold: 0.95, clear: { margin: 0.1 } },
      'clear.margin leaves nothing to resolve at: a ratio is from 0 to 1',
    ],
    [
      { aggregate: 'rate', op: 'gt', threshold: 5, clear: { margin: 6 } },
      'clear.margin leaves nothing to resolve at: a rate is never below 0',
    ],
  ])('%j is refused', (overrides, fault) => expect(faults(overrides)).toEqual([fault]));

  test('a ratio may fall to 0 and rise to 1', () => {
    expect(rulePlan({ aggregate: 'ratio', op: 'lte', threshold: 0 }).threshold).toBe(0);
    expect(rulePlan({ aggregate: 'ratio', op: 'lt', threshold: 0.9, clear: { margin: 0.1 } }).clear).toBe(1);
    expect(rulePlan({ aggregate: 'rate', op: 'gt', threshold: 5, clear: { margin: 5 } }).clear).toBe(0);
  });

  test('a negative value is one like any other', () => {
    expect(rulePlan({ op: 'lt', threshold: -5, clear: { margin: 2 } })).toMatchObject({
      threshold: -5,
      clear: -3,
    });
  });
});

describe('units', () => {
  test('the threshold is in the unit that the rule names, and compared in that of the SLI', () => {
    const plan = rulePlan({ aggregate: 'p95', threshold: 1.5, unit: 's', clear: { margin: 0.5 } }, 'ms');
    expect(plan).toMatchObject({ threshold: 1500, clear: 1000, unit: 's', measure: { kind: 'percentile' } });
    expect(rulePlan({ aggregate: 'mean', threshold: 80, unit: 'percent' }, 'ratio').threshold).toBe(0.8);
    expect(rulePlan({ aggregate: 'mean' }, 'bytes').unit).toBe('bytes');
  });

  test.each([
    [{ aggregate: 'p95', unit: 's' }, 'bytes', 'unit is "s", but the SLI is measured in "bytes"'],
    [
      { aggregate: 'rate', unit: 's' },
      'count',
      'unit must be left out: the threshold of a "rate" is events a second',
    ],
    [
      { aggregate: 'ratio', op: 'lt', threshold: 0.9, unit: 'percent' },
      'count',
      'unit must be left out: the threshold of a "ratio" is a share from 0 to 1',
    ],
  ])('%j over an SLI in %s is refused', (overrides, unit, fault) =>
    expect(faults(overrides, unit)).toEqual([fault]),
  );

  test('an aggregate that has no reading for what is measured is warned of', () => {
    expect(warnings({ aggregate: 'ratio', op: 'lt', threshold: 0.9 }, 'ms')).toEqual([
      expect.stringContaining('a ratio counts only good and total'),
    ]);
    expect(warnings({ aggregate: 'max' }, 'count')).toEqual([
      expect.stringContaining('a max looks at values and histograms'),
    ]);
    for (const unit of ['none', 'percent', undefined]) expect(warnings({}, unit)).toEqual([]);
  });

  test('a rate of counts shares the buckets of the SLOs over them', () => {
    expect(rulePlan({ aggregate: 'rate' }, 'count').measure).toEqual({ kind: 'ratio' });
    expect(rulePlan({ aggregate: 'rate' }, 's').measure).toEqual({ kind: 'count' });
  });
});
