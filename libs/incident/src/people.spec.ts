import { describe, expect, test } from '@jest/globals';
import { alert, at, changed, declaredByAlert, given, was } from './specification.fixture.js';

const assign = (user: string | null) =>
  ({ type: 'incident.assign-role', data: { role: 'commander', user } }) as const;
const acknowledge = (by: string, minutes = 5) =>
  ({ type: 'acknowledge', data: { by, page: 'INC-1-P1', at: at(minutes) } }) as const;

describe('roles', () => {
  test('one holder each: the second takes over from the first', () => {
    const taken = given(declaredByAlert()).when(assign('ada'), 5, 'user:ada').after();
    expect(taken.state.roles).toEqual({ commander: 'ada' });
    const handedOver = taken.when(assign('grace'), 30, 'user:ada');
    handedOver.then(changed('incident.role-assigned', { role: 'commander', user: 'grace', previous: 'ada' }));
    const { state } = handedOver.after();
    expect(state.roles).toEqual({ commander: 'grace' });
    expect(state.responders).toEqual(['ada', 'grace']);
    expect(state.holdings).toMatchObject([
      { user: 'ada', from: at(5), to: at(30), confirmedAt: at(5) },
      { user: 'grace', from: at(30), to: null, confirmedAt: null, assignedBy: 'user:ada' },
    ]);
  });

  test('a hand-over is confirmed by the taker, once', () => {
    const handedOver = given(declaredByAlert()).when(assign('grace'), 30, 'user:ada').after();
    handedOver.when(assign('grace'), 31, 'user:ada').thenNothing();
    const confirming = handedOver.when(assign('grace'), 32, 'user:grace');
    confirming.then(changed('incident.role-assigned', { user: 'grace', previous: 'grace' }));
    expect(confirming.after().state.holdings).toMatchObject([
      { user: 'grace', from: at(30), confirmedAt: at(32) },
    ]);
    confirming.after().when(assign('grace'), 33, 'user:grace').thenNothing();
  });

  test('are given up', () => {
    const held = given(declaredByAlert()).when(assign('ada'), 5, 'user:ada').after();
    held.when(assign(null), 40).then(changed('incident.role-released', { user: 'ada' }));
    expect(held.when(assign(null), 40).after().state).toMatchObject({
      roles: {},
      commandVacantSince: at(40),
    });
    given(declaredByAlert()).when(assign(null)).thenNothing();
  });

  test('end with the incident', () => {
    given(declaredByAlert(), was('incident.resolved', { at: at(4), note: '', automatic: false }))
      .when(assign('ada'))
      .thenRefused(409, /reopen it/);
  });

  describe('of a reopened incident', () => {
    const commanded = given(declaredByAlert()).when(acknowledge('ada'), 5, 'service:incident').after();
    const resolve = { type: 'incident.set-status', data: { status: 'resolved', note: 'holds' } } as const;
    const resolved = commanded.when(resolve, 20).after();
    const reopen = { type: 'incident.reopen', data: { reason: 'again' } } as const;
    const reopened = resolved.when(reopen, 60).after();

    test('are held by nobody: who had them is shown until then, and kept', () => {
      expect(resolved.state).toMatchObject({ roles: { commander: 'ada' }, holdings: [{ to: null }] });
      expect(reopened.state).toMatchObject({
        roles: {},
        responders: ['ada'],
        holdings: [{ role: 'commander', user: 'ada', from: at(5), to: at(20) }],
        commandVacantSince: at(60),
      });
    });

    test('so a vacancy of command is raised, and the first to acknowledge takes it', () => {
      reopened.when({ type: 'pass-time' }, 70).then(changed('incident.command-vacant', { since: at(60) }));
      reopened
        .when(acknowledge('ada'), 61, 'service:incident')
        .then(changed('incident.role-assigned', { role: 'commander', user: 'ada', previous: null }));
    });

    test('so it resolves by itself, if nobody takes command again', () => {
      const over = {
        type: 'resolve-alert',
        data: { ...alert(), resolvedAt: at(65), eventId: 'over' },
      } as const;
      const quiet = (from: typeof reopened) =>
        from.when(over, 65, 'service:incident').after().when({ type: 'pass-time' }, 95);
      quiet(reopened).then(changed('incident.resolved', { automatic: true }));
      quiet(reopened.when(acknowledge('ada'), 61, 'service:incident').after()).thenNothing();
    });
  });
});

describe('acknowledging a page', () => {
  test('the first one takes command', () => {
    const first = given(declaredByAlert()).when(acknowledge('user:ada'), 5, 'service:incident');
    first.then(
      changed('incident.acknowledged', { by: 'user:ada', page: 'INC-1-P1', at: at(5) }),
      changed('incident.role-assigned', { role: 'commander', user: 'ada', automatic: true }),
    );
    const { state } = first.after();
    expect(state).toMatchObject({ acknowledgedAt: at(5), roles: { commander: 'ada' }, responders: ['ada'] });
    expect(state.holdings[0]?.confirmedAt).toBe(at(5));
  });

  test('the second one responds', () => {
    const first = given(declaredByAlert()).when(acknowledge('ada')).after();
    first.when(acknowledge('grace', 6), 6).then(changed('incident.responder-added', { user: 'grace' }));
    first.when(acknowledge('ada', 6), 6).thenNothing();
  });

  test('takes command only when nobody has it', () => {
    const commanded = given(declaredByAlert()).when(assign('grace'), 2, 'user:grace').after();
    commanded
      .when(acknowledge('ada'))
      .then(changed('incident.acknowledged'), changed('incident.responder-added', { user: 'ada' }));
  });

  test('by a program acknowledges, but puts nobody in command', () => {
    given(declaredByAlert())
      .when(acknowledge('key:pager'))
      .then(changed('incident.acknowledged', { by: 'key:pager' }));
  });

  test('after the resolve changes nothing', () => {
    given(declaredByAlert(), was('incident.resolved', { at: at(4), note: '', automatic: false }))
      .when(acknowledge('ada'))
      .thenNothing();
  });
});

describe('responders', () => {
  test('join once', () => {
    const join = { type: 'incident.add-responder', data: { user: 'grace' } } as const;
    given(declaredByAlert())
      .when(join)
      .then(changed('incident.responder-added', { user: 'grace' }));
    given(declaredByAlert()).when(join).after().when(join).thenNothing();
  });
});
