import { type ErrorBudgetPolicy, errorBudgetPolicy, type Service, service } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import {
  decidePolicy,
  evolvePolicy,
  MINUTE,
  type PolicyInForce,
  type PolicyLedger,
  policyInForce,
  policyView,
  retirePolicy,
} from './index.js';
import { definition, EPOCH, planOf, VirtualSlo } from './virtual-time.fixture.js';

const HOUR = 60 * MINUTE;
const policy = (...steps: [number, string][]): ErrorBudgetPolicy =>
  errorBudgetPolicy.parse({ steps: steps.map(([remainingBelow, action]) => ({ remainingBelow, action })) });
const own = (...steps: [number, string][]): PolicyInForce => ({ from: 'slo', policy: policy(...steps) });

/** An SLO over two days, measured every minute. */
class Stage {
  readonly slo = new VirtualSlo(
    planOf({ objective: 0.9, window: { rolling: '2d' }, alerting: { preset: 'none' } }),
  );
  ledger: PolicyLedger = new Map();
  now = EPOCH;

  /** @param bad share of bad events */
  run(hours: number, bad: number): this {
    for (let minute = 0; minute < hours * 60; minute++, this.now += MINUTE)
      this.slo.measure(this.now, 1000 * (1 - bad), 1000);
    return this;
  }

  /** What is decided now, in short. */
  decide(inForce: PolicyInForce): string[] {
    const decided = decidePolicy(this.slo.read(this.now), inForce, this.ledger);
    for (const transition of decided) this.ledger = evolvePolicy(this.ledger, transition);
    return decided.map(({ type, data }) =>
      [type.slice('slo.policy.'.length), data.action, data.n, 'reason' in data ? data.reason : '']
        .join(' ')
        .trim(),
    );
  }
}

describe('the policy in force', () => {
  const checkout: Service = service.parse({ name: 'checkout', errorBudgetPolicy: policy([0.5, 'notify']) });

  test('is the SLO’s own, else its service’s, else to freeze an overspent budget', () => {
    const mine = policy([0.2, 'review']);
    expect(policyInForce(definition({ errorBudgetPolicy: mine }), checkout)).toEqual({
      from: 'slo',
      policy: mine,
    });
    expect(policyInForce(definition(), checkout)).toEqual({
      from: 'service',
      policy: checkout.errorBudgetPolicy,
    });
    expect(policyInForce(definition(), undefined)).toMatchObject({
      from: 'default',
      policy: { steps: [{ remainingBelow: 0, action: 'freeze' }] },
    });
    expect(policyInForce(definition({ errorBudgetPolicy: { steps: [] } }), checkout).policy.steps).toEqual(
      [],
    );
  });

  test('names no step twice', () => {
    expect(() => policy([0.2, 'review'], [0.2, 'review'])).toThrow('same step twice');
    expect(policy([0.2, 'review'], [0.2, 'freeze']).steps).toHaveLength(2);
  });
});

describe('a step', () => {
  test('is entered strictly below what it names, and left at it', () => {
    const stage = new Stage();
    // 48 hours at 10 % would be all of the budget: 24 hours at 5 % and 24 clean ones are a quarter of it.
    stage.run(24, 0.05).run(24, 0);
    expect(stage.decide(own([0.75, 'notify']))).toEqual([]);
    expect(stage.decide(own([0.75 + 1e-6, 'notify']))).toEqual(['entered notify 1']);
    expect(stage.decide(own([0.75 + 1e-6, 'notify']))).toEqual([]);
  });

  test('is entered and left again as often as the budget goes past it', () => {
    const stage = new Stage();
    const steps = own([0.5, 'notify'], [0.1, 'freeze']);
    expect(stage.run(48, 0).decide(steps)).toEqual([]);
    expect(stage.run(1, 1).decide(steps)).toEqual([]);
    expect(stage.run(4, 1).decide(steps)).toEqual(['entered notify 1', 'entered freeze 1']);
    expect(stage.run(46, 0).decide(steps)).toEqual(['left notify 1 recovered', 'left freeze 1 recovered']);
    expect(stage.run(5, 1).decide(steps)).toEqual(['entered notify 2', 'entered freeze 2']);
  });

  test('is told from one that differs in its last digit', () => {
    const stage = new Stage();
    // A quarter remains, as above.
    stage.run(24, 0.05).run(24, 0);
    const steps = own([0.75 - 1e-6, 'notify'], [0.75 + 1e-6, 'notify']);
    expect(stage.decide(steps)).toEqual(['entered notify 1']);
    expect(stage.decide(steps)).toEqual([]);
    expect(policyView(steps, stage.ledger)?.steps.map(({ since }) => since !== null)).toEqual([false, true]);
    expect([...stage.ledger.values()].map(({ entry }) => entry.title)).toEqual([
      expect.stringContaining('(notify below 75.0001 %)'),
    ]);
  });

  test('waits for a day of history', () => {
    const stage = new Stage();
    expect(stage.run(23, 1).decide(own([0.5, 'freeze']))).toEqual([]);
    expect(stage.run(1, 1).decide(own([0.5, 'freeze']))).toEqual(['entered freeze 1']);
  });

  test('is not left on the strength of absent data', () => {
    const stage = new Stage();
    const steps = own([0.5, 'freeze']);
    expect(stage.run(40, 0).run(5, 1).decide(steps)).toEqual(['entered freeze 1']);
    stage.now += 47 * HOUR;
    expect(stage.decide(steps)).toEqual([]);
  });

  test('that is taken out of the policy is left; so is one of an SLO that is retired', () => {
    const stage = new Stage();
    stage
      .run(40, 0)
      .run(5, 1)
      .decide(own([0.5, 'notify'], [0.4, 'freeze']));
    expect(stage.decide(own([0.4, 'freeze']))).toEqual(['left notify 1 redefined']);
    expect(retirePolicy(stage.ledger, stage.now)).toMatchObject([
      { type: 'slo.policy.left', data: { action: 'freeze', reason: 'retired', n: 1 } },
    ]);
  });

  test('of the default policy tells nobody', () => {
    const stage = new Stage();
    stage.run(48, 1);
    expect(stage.decide(policyInForce(stage.slo.plan.definition, undefined))).toEqual([]);
  });

  test('shows since when it is in effect', () => {
    const stage = new Stage();
    const steps = own([0.5, 'freeze'], [0.1, 'freeze']);
    stage.run(44, 0).run(3, 1).decide(steps);
    expect(policyView(steps, stage.ledger)).toEqual({
      from: 'slo',
      withoutData: 'allow',
      steps: [
        { action: 'freeze', remainingBelow: 0.5, since: new Date(stage.now).toISOString() },
        { action: 'freeze', remainingBelow: 0.1, since: null },
      ],
    });
  });
});
