import type { IncidentStatus } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { at, changed, declaredByAlert, declaredByHand, given, was } from './specification.fixture.js';

const status = (to: IncidentStatus, minutes?: number) =>
  ({
    type: 'incident.set-status',
    data: { status: to, note: 'because', ...(minutes === undefined ? {} : { at: at(minutes) }) },
  }) as const;
const resolved = was('incident.resolved', { at: at(34), note: 'fixed', automatic: false }, { minutes: 34 });

describe('the status machine', () => {
  const open = ['investigating', 'identified', 'monitoring'] as const;
  const inStatus = (from: (typeof open)[number]) =>
    given(
      declaredByHand(),
      was('incident.status-changed', {
        from: 'investigating',
        to: from,
        note: '',
        at: at(1),
        automatic: false,
      }),
    );

  test.each(open.flatMap((from) => open.map((to) => [from, to] as const)))('%s → %s', (from, to) => {
    inStatus(from)
      .when(status(to))
      .then(changed('incident.status-changed', { from, to, at: at(5), note: 'because' }));
  });

  test.each(open)('%s → resolved', (from) => {
    const resolving = inStatus(from).when(status('resolved'), 34);
    resolving.then(changed('incident.resolved', { at: at(34), note: 'because', automatic: false }));
    expect(resolving.after().state).toMatchObject({ status: 'resolved', resolvedAt: at(34) });
  });

  test.each([...open, 'resolved'] as const)('resolved → %s is impossible', (to) => {
    given(declaredByHand(), resolved)
      .when(status(to), 40)
      .thenRefused(409, /reopen/);
  });

  test('only what is resolved can be reopened, with a reason', () => {
    const reopen = { type: 'incident.reopen', data: { reason: 'it is back' } } as const;
    given(declaredByHand(), resolved)
      .when(reopen, 40)
      .then(changed('incident.reopened', { reason: 'it is back' }));
    given(declaredByHand(), resolved).when(reopen, 40).after().when(reopen, 41).thenRefused(409);
  });

  test('what was never declared does not exist', () => {
    given().when(status('identified')).thenRefused(404);
  });
});

describe('back-dating', () => {
  test('to a moment since the start; the log keeps both times', () => {
    given(declaredByAlert())
      .when(status('resolved', -4), 20)
      .then(changed('incident.resolved', { at: at(-4) }));
    given(declaredByAlert())
      .when(status('identified', 20), 20)
      .then(changed('incident.status-changed', { at: at(20) }));
  });

  test('never before the start and never after now', () => {
    given(declaredByAlert()).when(status('resolved', -5), 20).thenRefused(422, /start/);
    given(declaredByAlert())
      .when(status('identified', 21), 20)
      .thenRefused(422, /future/);
  });
});

describe('severity', () => {
  const severity = (to: 'sev1' | 'sev3') =>
    ({ type: 'incident.set-severity', data: { severity: to, reason: 'all regions' } }) as const;

  test('changes with a reason, either way', () => {
    given(declaredByAlert())
      .when(severity('sev1'))
      .then(changed('incident.severity-changed', { from: 'sev2', to: 'sev1', reason: 'all regions' }));
    given(declaredByAlert())
      .when(severity('sev3'))
      .then(changed('incident.severity-changed', { to: 'sev3' }));
  });

  test('to what it is already is no change', () => {
    given(declaredByHand()).when(severity('sev3')).thenNothing();
  });
});
