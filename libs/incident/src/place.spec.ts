import { describe, expect, test } from '@jest/globals';
import { type PlacedIncident, place } from './place.js';

const at = (minutes: number) => new Date(Date.UTC(2026, 10, 22, 10, minutes)).toISOString();
const alert = (minutes: number, source = 'checkout-availability') => ({
  source,
  service: 'checkout',
  firedAt: at(minutes),
});
const incident = (id: string, more: Partial<PlacedIncident> = {}): PlacedIncident => ({
  id,
  services: ['checkout'],
  alertSources: ['checkout-availability'],
  declaredAt: at(0),
  resolvedAt: null,
  mergedInto: null,
  ...more,
});
const none = new Set<string>();

describe('where an alert belongs', () => {
  test('nothing is open: a new incident', () => {
    expect(place(alert(0), [], none)).toEqual({ kind: 'declare' });
  });

  test('the open incident of its service, however old, and the oldest of several', () => {
    const open = [incident('INC-10'), incident('INC-2')];
    expect(place(alert(600), open, none)).toEqual({ kind: 'attach', incident: 'INC-2', related: false });
  });

  test('one of a related service only while it is younger than 30 min', () => {
    const payments = [incident('INC-1', { services: ['payments'] })];
    const related = new Set(['payments']);
    expect(place(alert(29), payments, related)).toEqual({ kind: 'attach', incident: 'INC-1', related: true });
    expect(place(alert(30), payments, related)).toEqual({ kind: 'declare' });
    expect(place(alert(29), payments, none)).toEqual({ kind: 'declare' });
  });

  test('its own service comes before a related one', () => {
    const open = [incident('INC-1', { services: ['payments'] }), incident('INC-2')];
    expect(place(alert(5), open, new Set(['payments']))).toMatchObject({ incident: 'INC-2', related: false });
  });

  test('the incident it was part of, within 30 min of the resolve', () => {
    const resolved = [incident('INC-1', { resolvedAt: at(10) })];
    expect(place(alert(40), resolved, none)).toEqual({ kind: 'reopen', incident: 'INC-1' });
    expect(place(alert(41), resolved, none)).toEqual({ kind: 'declare' });
    expect(place(alert(20, 'checkout-latency'), resolved, none)).toEqual({ kind: 'declare' });
  });

  test('of several resolved ones the last', () => {
    const resolved = [incident('INC-2', { resolvedAt: at(12) }), incident('INC-1', { resolvedAt: at(10) })];
    expect(place(alert(20), resolved, none)).toEqual({ kind: 'reopen', incident: 'INC-2' });
  });

  test('never one that was merged into another', () => {
    const merged = [
      incident('INC-2', { resolvedAt: at(10), mergedInto: 'INC-1' }),
      incident('INC-3', { mergedInto: 'INC-1' }),
    ];
    expect(place(alert(12), merged, none)).toEqual({ kind: 'declare' });
  });
});
