import { describe, test } from '@jest/globals';
import type { CommandOf } from './command.js';
import { alert, at, changed, declaredByHand, given } from './specification.fixture.js';

const checkout = { title: 'checkout is slow', severity: 'sev3' as const, services: ['checkout'] };
const declare = (data: Partial<CommandOf<'incident.declare'>['data']> = {}) => ({
  type: 'incident.declare' as const,
  incident: 'INC-1',
  data: { ...checkout, ...data },
});

describe('declaring an incident', () => {
  test('by a person: detected and started now', () => {
    given()
      .when(declare(), 5)
      .then(
        changed('incident.declared', {
          incident: 'INC-1',
          startedAt: at(5),
          detectedAt: at(5),
          ...checkout,
          services: ['checkout'],
        }),
      );
  });

  test('by a person who knows when it started', () => {
    given()
      .when(declare({ startedAt: at(-60) }), 5)
      .then(changed('incident.declared', { startedAt: at(-60), detectedAt: at(5) }));
  });

  test('not before it started', () => {
    given()
      .when(declare({ startedAt: at(6) }), 5)
      .thenRefused(422, /startedAt/);
  });

  test('not longer ago than measurements are kept', () => {
    const kept = 400 * 24 * 60;
    given()
      .when(declare({ startedAt: at(5 - kept) }), 5)
      .then(changed('incident.declared', { startedAt: at(5 - kept), detectedAt: at(5) }));
    given()
      .when(declare({ startedAt: at(4 - kept) }), 5)
      .thenRefused(422, /startedAt/);
  });

  test('by an alert: detected when it fired, started with the first bad slice', () => {
    given()
      .when(declare({ startedAt: at(-4), alert: alert({ firedAt: at(0) }) }), 1, 'service:incident')
      .then(
        changed('incident.declared', {
          startedAt: at(-4),
          detectedAt: at(0),
          alert: alert({ firedAt: at(0) }),
        }),
      );
  });

  test('an alert whose clock is ahead still declares, started no later than detected', () => {
    given()
      .when(declare({ startedAt: at(3), alert: alert({ firedAt: at(2) }) }), 1, 'service:incident')
      .then(changed('incident.declared', { startedAt: at(2), detectedAt: at(2) }));
  });

  test('a service named twice is affected once', () => {
    given()
      .when(declare({ services: ['checkout', 'checkout'] }))
      .then(changed('incident.declared', { services: ['checkout'] }));
  });

  test('a number is taken once', () => {
    given(declaredByHand()).when(declare()).thenRefused(409);
  });
});
