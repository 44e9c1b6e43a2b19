import { expect, test } from '@jest/globals';
import type { Evidence } from '../store/series-row.js';
import { toldOf } from './evidence.js';
import type { Transition } from './transitions.js';

const at = (eventId: string) => ({ eventId }) as Evidence;
const [tip, badTip, alerts] = [at('last'), at('last bad'), at('of the alerts')];
const crossed = (direction: string) => ({ type: 'slo.budget.crossed', data: { direction } }) as Transition;

test.each([
  ['a budget that falls', crossed('down'), badTip],
  ['a step that is entered', { type: 'slo.policy.entered', data: {} } as Transition, badTip],
  ['a budget that recovers', crossed('up'), alerts],
  ['a step that is left', { type: 'slo.policy.left', data: {} } as Transition, alerts],
  ['an alert', { type: 'slo.alert.fired', data: {} } as Transition, alerts],
])('%s names the measurement that it comes from', (_, transition, evidence) => {
  expect(toldOf(transition, { tip, badTip }, alerts)).toEqual({ transition, evidence });
});

test('where nothing bad is known a fall names the last measurement', () => {
  expect(toldOf(crossed('down'), { tip, badTip: null }, alerts).evidence).toBe(tip);
});
