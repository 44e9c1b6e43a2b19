import { describe, expect, test } from '@jest/globals';
import type { IncidentState } from './incident.js';
import { alert, at, changed, declaredByAlert, declaredByHand, given, was } from './specification.fixture.js';

const resolved = was('incident.resolved', { at: at(4), note: '', automatic: false }, { minutes: 4 });
const target = { ...given(declaredByHand()).state, id: 'INC-2' };
const merge = (into = 'INC-2', state: IncidentState | null = target) =>
  ({ type: 'incident.merge', data: { into }, target: state }) as const;

describe('merging an incident into another', () => {
  test('ends it', () => {
    const merging = given(declaredByAlert()).when(merge());
    merging.then(changed('incident.merged', { into: 'INC-2' }));
    expect(merging.after().state).toMatchObject({
      mergedInto: 'INC-2',
      status: 'resolved',
      resolvedAt: at(5),
    });
  });

  test('impossible: itself, one that is not there, one that was merged, an open one into a resolved one', () => {
    given(declaredByAlert()).when(merge('INC-1')).thenRefused(409);
    given(declaredByAlert()).when(merge('INC-9', null)).thenRefused(422);
    given(declaredByAlert())
      .when(merge('INC-2', { ...target, mergedInto: 'INC-3' }))
      .thenRefused(409, /INC-3/);
    given(declaredByAlert())
      .when(merge('INC-2', { ...target, status: 'resolved' }))
      .thenRefused(409, /resolved/);
  });

  test('a duplicate found afterwards: both resolved', () => {
    const both = given(declaredByAlert(), resolved).when(merge('INC-2', { ...target, status: 'resolved' }));
    both.then(changed('incident.merged'));
    expect(both.after().state.resolvedAt).toBe(at(4));
  });

  test('afterwards people are told where to go on, and nothing else reaches it', () => {
    const merged = given(declaredByAlert(), was('incident.merged', { into: 'INC-2' }));
    merged.when({ type: 'incident.add-note', data: { text: 'hello' } }).thenRefused(409, /INC-2/);
    merged.when({ type: 'incident.reopen', data: { reason: 'again' } }).thenRefused(409);
    merged.when({ type: 'attach-alert', data: { alert: alert(), asks: 'sev1' } }).thenNothing();
    merged.when({ type: 'pass-time' }, 600).thenNothing();
  });
});

describe('taking another incident in', () => {
  const other = alert({ name: 'payments-errors', service: 'payments', eventId: 'alert-7' });
  const source: IncidentState = {
    ...given(declaredByAlert({ severity: 'sev1', services: ['payments'], alert: other })).state,
    id: 'INC-7',
  };
  const absorb = { type: 'absorb', data: { source } } as const;

  test('its services, its alerts and its higher severity come along, once', () => {
    const absorbing = given(declaredByAlert()).when(absorb, 5, 'service:incident');
    absorbing.then(
      changed('incident.absorbed', { merged: 'INC-7', services: ['payments'], alerts: [other] }),
      changed('incident.severity-changed', { from: 'sev2', to: 'sev1' }),
    );
    const { state } = absorbing.after();
    expect(state.services).toEqual(['checkout', 'payments']);
    expect(state.alerts).toHaveLength(2);
    absorbing.after().when(absorb, 6).thenNothing();
  });

  test('an alert that fires here is not replaced', () => {
    const same = {
      ...source,
      severity: 'sev2' as const,
      alerts: [alert({ state: 'resolved', resolvedAt: at(3) })],
    };
    given(declaredByAlert())
      .when({ type: 'absorb', data: { source: same } })
      .then(changed('incident.absorbed', { alerts: [] }));
  });

  test('a firing page alert reopens what was resolved in the meantime', () => {
    given(declaredByAlert(), resolved)
      .when(absorb)
      .then(changed('incident.reopened'), changed('incident.absorbed'), changed('incident.severity-changed'));
  });

  describe('that fires, into one in monitoring', () => {
    const over = was(
      'incident.alert-resolved',
      {
        kind: 'slo',
        name: 'checkout-availability',
        severity: 'page',
        tier: 'fast',
        resolvedAt: at(2),
        eventId: 'r',
      },
      { minutes: 2 },
    );
    const monitoring = (automatic: boolean) =>
      was(
        'incident.status-changed',
        { from: 'investigating', to: 'monitoring', note: '', at: at(2), automatic },
        { minutes: 2 },
      );

    test('brings it back to investigating, where that came by itself', () => {
      const absorbing = given(declaredByAlert(), over, monitoring(true)).when(absorb);
      absorbing.then(
        changed('incident.absorbed'),
        changed('incident.severity-changed'),
        changed('incident.status-changed', {
          from: 'monitoring',
          to: 'investigating',
          note: 'payments-errors (page, fast) of INC-7, merged into it, fires',
          automatic: true,
        }),
      );
      expect(absorbing.after().state).toMatchObject({ status: 'investigating', monitoringSince: null });
    });

    test('leaves it there where a person said so, or what came along is over', () => {
      given(declaredByAlert(), over, monitoring(false))
        .when(absorb)
        .then(changed('incident.absorbed'), changed('incident.severity-changed'));
      const ended = { ...source, alerts: [{ ...other, state: 'resolved' as const, resolvedAt: at(3) }] };
      given(declaredByAlert(), over, monitoring(true))
        .when({ type: 'absorb', data: { source: ended } })
        .then(changed('incident.absorbed'), changed('incident.severity-changed'));
    });
  });
});
