import type { EventType, IncidentAlert, LoggedEvent } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { incidentFacts, subjectOf } from './incident-facts.js';

const at = '2026-11-22T10:00:00.000Z';
const alert = (name: string, runbookUrl?: string): IncidentAlert => ({
  kind: 'slo',
  name,
  service: 'checkout',
  severity: 'page',
  tier: 'fast',
  state: 'firing',
  firedAt: at,
  resolvedAt: null,
  eventId: `${name}-fired`,
  ...(runbookUrl && { runbookUrl }),
});
const declared = (more: object = {}) => ({
  type: 'incident.declared' as const,
  data: {
    incident: 'INC-1',
    title: 'checkout fails',
    severity: 'sev2',
    services: ['checkout'],
    startedAt: at,
    detectedAt: at,
    labels: {},
    ...more,
  },
});
const attached = (joined: IncidentAlert) => ({
  type: 'incident.alert-attached' as const,
  data: { incident: 'INC-1', alert: joined },
});
const absorbed = (...alerts: IncidentAlert[]) => ({
  type: 'incident.absorbed' as const,
  data: { incident: 'INC-1', merged: 'INC-2', services: ['payment'], alerts },
});

function subjectAfter(...events: { type: EventType; data: unknown }[]) {
  const logged = events.map((event, index) => ({
    ...event,
    id: `event-${index}`,
    position: index + 1,
    version: index + 1,
  }));
  return subjectOf(incidentFacts('INC-1', logged as unknown as LoggedEvent[]));
}

describe('the runbook of a page', () => {
  test('is that of the alert which declared the incident, whatever joins later', () => {
    const own = 'https://runbooks.example.org/checkout';
    const other = alert('payment', 'https://runbooks.example.org/payment');
    expect(subjectAfter(declared({ alert: alert('checkout', own) }), attached(other)).runbookUrl).toBe(own);
  });

  test('else that of the first alert to join, or of an incident merged into it, that has one', () => {
    const url = 'https://runbooks.example.org/payment';
    const without = attached(alert('checkout'));
    expect(subjectAfter(declared(), without, attached(alert('payment', url))).runbookUrl).toBe(url);
    expect(subjectAfter(declared(), absorbed(alert('search'), alert('payment', url))).runbookUrl).toBe(url);
    // One that declares nothing is no reason for a page.
    expect(
      subjectAfter(declared(), absorbed({ ...alert('search', url), declares: false })).runbookUrl,
    ).toBeNull();
  });

  test('is that of the alert which raised the severity, and the title says so first', () => {
    const own = alert('storefront', 'https://runbooks.example.org/storefront');
    const worse = alert('checkout', 'https://runbooks.example.org/checkout');
    const raised = {
      type: 'incident.severity-changed' as const,
      data: {
        incident: 'INC-1',
        from: 'sev3',
        to: 'sev2',
        reason: 'checkout (page, fast) asks for sev2',
        alert: worse,
      },
    };
    expect(subjectAfter(declared({ alert: own }), attached(worse), raised)).toMatchObject({
      title: 'checkout (page, fast) asks for sev2: checkout fails',
      severity: 'sev2',
      runbookUrl: worse.runbookUrl,
    });
  });

  test('stays where a person changes the severity', () => {
    const own = alert('checkout', 'https://runbooks.example.org/checkout');
    const changed = {
      type: 'incident.severity-changed' as const,
      data: { incident: 'INC-1', from: 'sev2', to: 'sev1', reason: 'all regions' },
    };
    expect(subjectAfter(declared({ alert: own }), changed)).toMatchObject({
      title: 'checkout fails',
      severity: 'sev1',
      runbookUrl: own.runbookUrl,
    });
  });

  test('is none where nobody has written one', () => {
    expect(subjectAfter(declared(), attached(alert('checkout'))).runbookUrl).toBeNull();
  });
});
