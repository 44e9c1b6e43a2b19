import { rolling, type SloPlan } from '@bellwether/slo';
import { expect, test } from '@jest/globals';
import type { Evidence } from '../store/series-row.js';
import { toldOf } from './evidence.js';
import type { Transition } from './transitions.js';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const DAY = 86_400_000;
const ago = (days: number, eventId: string) =>
  ({ eventId, recordedAt: new Date(NOW - days * DAY).toISOString() }) as Evidence;
const [tip, badTip, alerts] = [ago(0, 'last'), ago(29, 'last bad'), ago(0, 'of the alerts')];
/** Of an SLO over 30 days. */
const reading = { plan: { window: rolling(30 * 1440) } as SloPlan, at: NOW };
const crossed = (direction: string) => ({ type: 'slo.budget.crossed', data: { direction } }) as Transition;

test.each([
  ['a budget that falls', crossed('down'), badTip],
  ['a step that is entered', { type: 'slo.policy.entered', data: {} } as Transition, badTip],
  ['a budget that recovers', crossed('up'), alerts],
  ['a step that is left', { type: 'slo.policy.left', data: {} } as Transition, alerts],
  ['an alert', { type: 'slo.alert.fired', data: {} } as Transition, alerts],
])('%s names the measurement that it comes from', (_, transition, evidence) => {
  expect(toldOf(transition, { tip, badTip }, reading, alerts)).toEqual({ transition, evidence });
});

test.each([
  ['is known', null],
  ['came within the window', ago(31, 'bad long ago')],
])('where nothing bad %s a fall names the last measurement', (_, bad) => {
  expect(toldOf(crossed('down'), { tip, badTip: bad }, reading, alerts).evidence).toBe(tip);
});
