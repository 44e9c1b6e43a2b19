import type { LoggedEvent } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { encodeEvent } from './event-message.js';

const meta = {
  correlationId: 'story',
  causationId: null,
  actor: 'user:ada',
  source: '/bellwether/incident',
};

function logged(over: Partial<LoggedEvent>): LoggedEvent {
  return {
    journal: 'control',
    position: 7,
    id: '0190a000-0000-7000-8000-000000000007',
    stream: 'incident:INC-1',
    version: 2,
    type: 'incident.resolved',
    schema: 1,
    data: { incident: 'INC-1' },
    meta,
    occurredAt: new Date('2026-01-01T00:00:00.000Z'),
    recordedAt: new Date('2026-01-01T00:00:00.100Z'),
    ...over,
  };
}

/** Service and severity, as the headers have them. */
function filters(over: Partial<LoggedEvent>): (string | undefined)[] {
  const { headers } = encodeEvent(logged(over), 1_048_576);
  return ['Bellwether-Service', 'Bellwether-Severity'].map((name) =>
    headers.has(name) ? headers.get(name) : undefined,
  );
}

describe('the headers that filters need', () => {
  const told = { ...meta, filters: { services: ['checkout', 'cart'], severity: 'sev2' } };

  test('are what the writer of the event says', () => {
    expect(filters({ meta: told })).toEqual(['checkout,cart', 'sev2']);
    expect(encodeEvent(logged({ meta: told }), 1_048_576).headers.get('Bellwether-Position')).toBe('7');
  });

  test('are of the whole incident, also where the data names one service or another severity', () => {
    expect(filters({ meta: told, data: { service: 'cart', severity: 'page' } })).toEqual([
      'checkout,cart',
      'sev2',
    ]);
  });

  test.each([
    ['one service', { service: 'checkout', severity: 'page' }, ['checkout', 'page']],
    ['several', { services: ['checkout', 'cart'], severity: 'sev1' }, ['checkout,cart', 'sev1']],
    ['neither', { note: 'fixed' }, [undefined, undefined]],
  ])('are read from the data where the writer did not say them: %s', (_, data, expected) => {
    expect(filters({ data })).toEqual(expected);
  });

  test('may be said in part', () => {
    const part = { ...meta, filters: { services: ['checkout'] } };
    expect(filters({ meta: part, data: { severity: 'sev3' } })).toEqual(['checkout', 'sev3']);
    expect(filters({ meta: { ...meta, filters: { services: [], severity: 'sev4' } } })).toEqual([
      undefined,
      'sev4',
    ]);
  });

  test('name services whole, however many there are', () => {
    const services = Array.from({ length: 100 }, (_, i) => `${'s'.repeat(50)}-${i}`);
    const [named = ''] = filters({ meta: { ...meta, filters: { services, severity: 'sev1' } } });
    expect(named.length).toBeLessThanOrEqual(2048);
    const whole = named.split(',');
    expect(whole.length).toBeGreaterThan(30);
    expect(whole).toEqual(services.slice(0, whole.length));
  });

  test('stay out of the envelope', () => {
    const body = JSON.parse(Buffer.from(encodeEvent(logged({ meta: told }), 1_048_576).body).toString());
    expect(body).not.toHaveProperty('filters');
    expect(body).toMatchObject({ correlationid: 'story', data: { incident: 'INC-1' } });
  });
});
