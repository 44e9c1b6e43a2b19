import type { Severity } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { alertTitle } from './alerts.js';
import { alert, at, changed, declaredByAlert, declaredByHand, given, was } from './specification.fixture.js';

const slow = alert({ tier: 'slow', firedAt: at(4), eventId: 'alert-2' });
const ticket = alert({ severity: 'ticket', tier: 'fast', firedAt: at(4), eventId: 'alert-3' });
const attach = (one = slow, asks: Severity | null = 'sev2') =>
  ({ type: 'attach-alert', data: { alert: one, asks } }) as const;
const over = (one = alert(), minutes = 10) =>
  ({
    type: 'resolve-alert',
    data: {
      kind: one.kind,
      name: one.name,
      severity: one.severity,
      tier: one.tier,
      ...(one.group && { group: one.group }),
      resolvedAt: at(minutes),
      eventId: `${one.eventId}-resolved`,
    },
  }) as const;

describe('an alert joins an open incident', () => {
  test('and is attached', () => {
    given(declaredByAlert())
      .when(attach())
      .then(changed('incident.alert-attached', { alert: slow }));
  });

  test('but not twice', () => {
    given(declaredByAlert(), was('incident.alert-attached', { alert: slow }))
      .when(attach())
      .thenNothing();
  });

  test('raising the severity if it asks for more', () => {
    given(declaredByAlert())
      .when(attach(slow, 'sev1'))
      .then(
        changed('incident.alert-attached'),
        changed('incident.severity-changed', {
          from: 'sev2',
          to: 'sev1',
          reason: 'checkout-availability (page, slow) asks for sev1',
          alert: slow,
        }),
      );
    given(declaredByAlert()).when(attach(slow, 'sev3')).then(changed('incident.alert-attached'));
    given(declaredByAlert()).when(attach(ticket, null)).then(changed('incident.alert-attached'));
  });

  test('and of an SLO that declares none it neither keeps it open nor brings it back', () => {
    const silent = alert({ name: 'on-trial', eventId: 'alert-9', declares: false });
    const joined = [declaredByAlert(), was('incident.alert-attached', { alert: silent })];
    const monitoring = changed('incident.status-changed', { to: 'monitoring', automatic: true });
    given(...joined)
      .when(over())
      .then(changed('incident.alert-resolved'), monitoring);
    const quiet = given(...joined)
      .when(over())
      .after();
    quiet.when(over(silent)).then(changed('incident.alert-resolved'));
    quiet.when(attach({ ...silent, tier: 'slow' }, null)).then(changed('incident.alert-attached'));
    const resolved = was('incident.resolved', { at: at(5), note: '', automatic: false }, { minutes: 5 });
    const alone = [declaredByHand(), was('incident.alert-attached', { alert: silent }), resolved];
    given(...alone)
      .when({ type: 'pass-time' }, 600, 'service:incident')
      .thenNothing();
  });

  test('which it may do again: the firing that came first is not lost with the last one', () => {
    const events = [
      declaredByAlert(),
      was('incident.alert-resolved', { ...over().data, resolvedAt: at(3) }),
      was('incident.alert-attached', { alert: alert({ firedAt: at(5), eventId: 'alert-5' }) }),
    ];
    const again = given(...events).state.alerts;
    const last = { state: 'firing', firedAt: at(5), eventId: 'alert-5', resolvedAt: null };
    expect(again).toEqual([{ ...alert(), ...last, firings: 2, firstFiredAt: alert().firedAt }]);
    const third = was('incident.alert-attached', { alert: alert({ firedAt: at(9), eventId: 'alert-9' }) });
    expect(given(...events, third).state.alerts).toMatchObject([
      { firedAt: at(9), firings: 3, firstFiredAt: alert().firedAt },
    ]);
  });

  test('bringing its service along', () => {
    given(declaredByAlert())
      .when(attach(alert({ name: 'payments-errors', service: 'payments' })))
      .then(
        changed('incident.alert-attached'),
        changed('incident.service-affected', { service: 'payments' }),
      );
  });

  test('and reopens a resolved one', () => {
    const incident = given(
      declaredByAlert(),
      was('incident.resolved', { at: at(10), note: 'fixed', automatic: false }, { minutes: 10 }),
    ).when(attach(), 20);
    incident.then(
      changed('incident.reopened', { alert: slow, reason: 'checkout-availability (page, slow) fires again' }),
    );
    const { state } = incident.after();
    expect(state).toMatchObject({ status: 'investigating', resolvedAt: null });
    expect(state.alerts).toContainEqual(slow);
  });

  test('but one that asks for no incident reopens none', () => {
    given(declaredByAlert(), was('incident.resolved', { at: at(10), note: '', automatic: false }))
      .when(attach(ticket, null), 20)
      .thenNothing();
  });
});

describe('when alerts resolve', () => {
  test('the last page alert moves the incident to monitoring', () => {
    given(declaredByAlert())
      .when(over(), 10, 'service:incident')
      .then(
        changed('incident.alert-resolved', { resolvedAt: at(10) }),
        changed('incident.status-changed', {
          from: 'investigating',
          to: 'monitoring',
          at: at(10),
          automatic: true,
        }),
      );
  });

  test('not while another page alert fires', () => {
    given(declaredByAlert(), was('incident.alert-attached', { alert: slow }))
      .when(over(), 10)
      .then(changed('incident.alert-resolved'));
  });

  test('tickets run for hours and do not count', () => {
    const both = given(declaredByAlert(), was('incident.alert-attached', { alert: ticket }));
    both.when(over(), 10).then(changed('incident.alert-resolved'), changed('incident.status-changed'));
    both.when(over(ticket), 10).then(changed('incident.alert-resolved', { severity: 'ticket' }));
    given(declaredByHand(), was('incident.alert-attached', { alert: ticket }))
      .when(over(ticket), 10)
      .then(changed('incident.alert-resolved'));
  });

  test('an alert that is not attached, or resolved already, changes nothing', () => {
    given(declaredByAlert()).when(over(slow), 10).thenNothing();
    given(declaredByAlert()).when(over(), 10).after().when(over(), 11).thenNothing();
  });

  test('a merged incident still hears of it, since the other may take its alerts over later', () => {
    given(declaredByAlert(), was('incident.merged', { into: 'INC-2' }))
      .when(over(), 10)
      .then(changed('incident.alert-resolved'));
  });

  test('a resolved incident stays resolved', () => {
    given(declaredByAlert(), was('incident.resolved', { at: at(8), note: 'fixed', automatic: false }))
      .when(over(), 10)
      .then(changed('incident.alert-resolved'));
  });
});

describe('an alert that fires while the incident is in monitoring', () => {
  test('brings it back when it got there by itself', () => {
    given(declaredByAlert())
      .when(over(), 10)
      .after()
      .when(attach(alert({ firedAt: at(15), eventId: 'alert-9' })), 15)
      .then(
        changed('incident.alert-attached'),
        changed('incident.status-changed', { from: 'monitoring', to: 'investigating', automatic: true }),
      );
  });

  test('leaves it where a person put it', () => {
    const byHand = {
      from: 'investigating',
      to: 'monitoring',
      note: 'rolled back',
      at: at(3),
      automatic: false,
    } as const;
    given(declaredByAlert(), was('incident.status-changed', byHand, { by: 'user:ada' }))
      .when(attach())
      .then(changed('incident.alert-attached'));
  });
});

describe('alerts of the groups of an SLO', () => {
  const ofRegion = (value: string) =>
    alert({ group: { label: 'region', value }, firedAt: at(4), eventId: `alert-${value}` });

  test('are alerts of their own, beside the one of the whole', () => {
    given(declaredByAlert(), was('incident.alert-attached', { alert: ofRegion('eu') }))
      .when(attach(ofRegion('us')))
      .then(changed('incident.alert-attached', { alert: ofRegion('us') }));
    given(declaredByAlert(), was('incident.alert-attached', { alert: ofRegion('eu') }))
      .when(attach(ofRegion('eu')))
      .thenNothing();
  });

  test('resolve on their own: the incident is quiet when the last has', () => {
    const both = given(declaredByAlert(), was('incident.alert-attached', { alert: ofRegion('eu') }));
    both.when(over(), 10).then(changed('incident.alert-resolved'));
    const { group } = ofRegion('eu');
    both
      .when(over(), 10)
      .after()
      .when(over(ofRegion('eu')), 12)
      .then(
        changed('incident.alert-resolved', { group }),
        changed('incident.status-changed', { to: 'monitoring', automatic: true }),
      );
    both.when(over(ofRegion('us')), 10).thenNothing();
  });

  test('are named with their group, in one line whatever its label has', () => {
    expect(alertTitle(ofRegion('eu'))).toBe('checkout-availability (page, fast, region eu)');
    expect(alertTitle(ofRegion('a\n| b'))).toBe('checkout-availability (page, fast, region a | b)');
    expect(alertTitle(ofRegion('😀'.repeat(100))).length).toBeLessThan(120);
  });
});
