import type { EventEnvelope } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';

// Whether it is coloured is decided once: not in a test that somebody watches.
process.env.NO_COLOR = '1';
const { lineOf } = await import('./screen.js');

const event = (type: string, data: object) =>
  ({ type: `bellwether.${type}.v1`, time: '2026-11-22T10:39:37.756Z', data }) as unknown as EventEnvelope;

test('what is not for a terminal has no colours', () => {
  expect(lineOf(event('slo.alert.resolved', { slo: 'a', severity: 'page', tier: 'fast' }))).toBe(
    '10:39:37 slo.alert.resolved a: page-fast\n         $ npx bellwether status a',
  );
});

test('a page that reaches nobody says so, and a reopened incident is shown', () => {
  expect(lineOf(event('page.requested', { page: 'INC-1-P1', step: 1, users: [] }))).toContain(
    'page.requested INC-1-P1: step 1, to nobody\n',
  );
  expect(lineOf(event('incident.reopened', { incident: 'INC-1', reason: 'it burns again' }))).toContain(
    'incident.reopened INC-1: it burns again\n',
  );
});
