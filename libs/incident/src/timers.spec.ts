import { describe, expect, test } from '@jest/globals';
import { defaultSettings } from './command.js';
import { resolveWarning } from './course.js';
import { alert, at, changed, declaredByAlert, declaredByHand, given, was } from './specification.fixture.js';
import { nextDue } from './timers.js';

const passTime = { type: 'pass-time' } as const;
const over = (minutes: number) =>
  was(
    'incident.alert-resolved',
    {
      kind: 'slo',
      name: 'checkout-availability',
      severity: 'page',
      tier: 'fast',
      resolvedAt: at(minutes),
      eventId: 'r',
    },
    { minutes },
  );
const monitoring = (minutes: number) =>
  was(
    'incident.status-changed',
    { from: 'investigating', to: 'monitoring', note: '', at: at(minutes), automatic: true },
    { minutes },
  );
const command = (user: string, minutes: number) =>
  was(
    'incident.role-assigned',
    { role: 'commander', user, previous: null, automatic: true },
    { minutes, by: 'service:incident' },
  );
const quiet = [declaredByAlert(), over(5), monitoring(5)];

describe('the quiet period', () => {
  test('resolves the incident 30 min after the last page alert', () => {
    const raised = was('incident.command-vacant', { since: at(0) }, { minutes: 10 });
    given(...quiet, raised)
      .when(passTime, 34)
      .thenNothing();
    given(...quiet, raised)
      .when(passTime, 35, 'service:incident')
      .then(changed('incident.resolved', { at: at(35), automatic: true }));
    expect(nextDue(given(...quiet, raised).state, defaultSettings)).toBe(at(35));
  });

  test('not once anybody took command, even if they left', () => {
    given(...quiet, command('ada', 6))
      .when(passTime, 600)
      .thenNothing();
    const left = was('incident.role-released', { role: 'commander', user: 'ada' }, { minutes: 7 });
    expect(
      given(...quiet, command('ada', 6), left)
        .when(passTime, 600)
        .after().state.status,
    ).toBe('monitoring');
  });

  test('0 means never', () => {
    const given0 = given(...quiet, was('incident.command-vacant', { since: at(0) })).with({
      quietPeriodMs: 0,
    });
    given0.when(passTime, 100_000).thenNothing();
  });

  test('starts over with an alert that fires in between', () => {
    const again = was('incident.alert-attached', { alert: alert({ firedAt: at(20) }) }, { minutes: 20 });
    const raised = was('incident.command-vacant', { since: at(0) }, { minutes: 10 });
    given(...quiet, raised, again, over(25))
      .when(passTime, 54)
      .thenNothing();
    given(...quiet, raised, again, over(25))
      .when(passTime, 55)
      .then(changed('incident.resolved'));
  });

  test('is for monitoring: a person who goes on identifying keeps it open', () => {
    const identified = {
      from: 'monitoring',
      to: 'identified',
      note: '',
      at: at(6),
      automatic: false,
    } as const;
    given(
      ...quiet,
      was('incident.status-changed', identified),
      was('incident.command-vacant', { since: at(0) }),
    )
      .when(passTime, 600)
      .thenNothing();
  });

  test('begins when the incident enters monitoring, not before, whatever that is back-dated to', () => {
    const set = (to: 'identified' | 'monitoring', minutes: number) =>
      was(
        'incident.status-changed',
        { from: 'monitoring', to, note: '', at: at(6), automatic: false },
        { minutes, by: 'user:ada' },
      );
    const raised = was('incident.command-vacant', { since: at(0) }, { minutes: 10 });
    const watched = given(...quiet, raised, set('identified', 12), set('monitoring', 72));
    expect(nextDue(watched.state, defaultSettings)).toBe(at(102));
    watched.when(passTime, 101).thenNothing();
    watched.when(passTime, 102).then(
      changed('incident.resolved', {
        note: 'quiet for 30 min in monitoring, and nobody took command',
        automatic: true,
      }),
    );
  });

  test('an incident without page alerts never resolves by itself', () => {
    given(declaredByHand(), monitoring(5)).when(passTime, 100_000).thenNothing();
  });
});

describe('an incident that was resolved while its page alert fires', () => {
  const resolved = (minutes: number, back = 0) =>
    was(
      'incident.resolved',
      { at: at(minutes - back), note: 'looks fixed', automatic: false },
      { minutes, by: 'user:ada' },
    );
  const outage = [declaredByAlert(), command('ada', 1), resolved(5)];

  test('is reopened after 10 min, and again after each resolve', () => {
    given(...outage)
      .when(passTime, 14)
      .thenNothing();
    const reopened = given(...outage).when(passTime, 15, 'service:incident');
    reopened.then(
      changed('incident.reopened', {
        reason: 'still firing 10 min after it was resolved: checkout-availability (page, fast)',
        stillFiring: given(...outage).state.alerts.map(({ eventId }) => eventId),
      }),
    );
    expect(nextDue(given(...outage).state, defaultSettings)).toBe(at(15));
    // Nobody has command of it any more, which is raised in its time.
    reopened.after().when(passTime, 24).thenNothing();
    reopened.after().when(passTime, 600).then(changed('incident.command-vacant'));
    given(...outage, was('incident.reopened', { reason: 'still firing' }, { minutes: 15 }), resolved(20))
      .when(passTime, 30)
      .then(changed('incident.reopened'));
  });

  test('is not once the alert resolves, which needs nobody', () => {
    given(...outage, over(9))
      .when(passTime, 600)
      .thenNothing();
    expect(nextDue(given(...outage, over(9)).state, defaultSettings)).toBeNull();
  });

  test('counts from when it was said, not from what that was back-dated to', () => {
    expect(nextDue(given(declaredByAlert(), resolved(5, 4)).state, defaultSettings)).toBe(at(15));
  });

  test('is not for a ticket, for what was merged into another, or where 0 says never', () => {
    given(declaredByAlert({ alert: alert({ severity: 'ticket' }) }), resolved(5))
      .when(passTime, 600)
      .thenNothing();
    given(declaredByAlert(), was('incident.merged', { into: 'INC-2' }, { minutes: 5 }))
      .when(passTime, 600)
      .thenNothing();
    given(...outage)
      .with({ stillFiringMs: 0 })
      .when(passTime, 600)
      .thenNothing();
  });

  test('is told so whoever resolves it', () => {
    const told = (settings = defaultSettings) => resolveWarning(given(...outage).state, settings);
    expect(told()).toBe(
      `still firing: checkout-availability (page, fast); if it does at ${at(15)}, the incident is reopened and pages again`,
    );
    expect(told({ ...defaultSettings, stillFiringMs: 0 })).toContain('nobody is paged for it any more');
    expect(resolveWarning(given(...outage, over(9)).state, defaultSettings)).toBeNull();
    expect(resolveWarning(given(declaredByAlert()).state, defaultSettings)).toBeNull();
  });
});

describe('nobody in command', () => {
  test('of a sev2 is raised after 10 min, once', () => {
    given(declaredByAlert()).when(passTime, 9).thenNothing();
    const raised = given(declaredByAlert()).when(passTime, 10);
    raised.then(changed('incident.command-vacant', { since: at(0) }));
    raised.after().when(passTime, 600).thenNothing();
    expect(nextDue(raised.after().state, defaultSettings)).toBeNull();
  });

  test('of a sev3 is not, until it is raised to sev1', () => {
    given(declaredByHand()).when(passTime, 600).thenNothing();
    const toSev1 = was(
      'incident.severity-changed',
      { from: 'sev3', to: 'sev1', reason: '' },
      { minutes: 60 },
    );
    given(declaredByHand(), toSev1).when(passTime, 69).thenNothing();
    given(declaredByHand(), toSev1)
      .when(passTime, 70)
      .then(changed('incident.command-vacant', { since: at(60) }));
  });

  test('starts over when the commander leaves', () => {
    const left = was('incident.role-released', { role: 'commander', user: 'ada' }, { minutes: 30 });
    given(declaredByAlert(), command('ada', 2)).when(passTime, 600).thenNothing();
    given(declaredByAlert(), command('ada', 2), left)
      .when(passTime, 40)
      .then(changed('incident.command-vacant', { since: at(30) }));
  });

  test('of a resolved incident is nothing to raise', () => {
    given(declaredByAlert(), over(1), was('incident.resolved', { at: at(5), note: '', automatic: false }))
      .when(passTime, 600)
      .thenNothing();
  });
});
