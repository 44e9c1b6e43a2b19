import { eventCatalog } from '@bellwether/contracts';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Rehearsal } from './testing/rehearsal.fixture.js';

jest.setTimeout(60_000);

let stage: Rehearsal;
beforeEach(async () => {
  stage = await Rehearsal.start();
});
afterEach(() => stage?.stop());

const incident = 'INC-1';
const minutes = (count: number) => count * 60_000;
const checkout = { title: 'checkout is slow', severity: 'sev3', services: ['checkout'] };
const of = async (id: string) => (await stage.events()).filter((event) => event.stream === `incident:${id}`);
const last = async (type: string) => (await of(incident)).findLast((event) => event.type === type);

/** Alerts, people, time and another incident: every event that an incident may have. */
async function wholeStory(): Promise<void> {
  await stage.alertFires({ declare: 'sev2' });
  await stage.settled();
  stage.clock.advance(minutes(11));
  await stage.until(({ vacancyRaised }) => vacancyRaised);
  await stage.alertFires({ tier: 'slow' });
  await stage.settled();
  await stage.acknowledges('ada');
  await stage.settled();
  await stage.does('set-severity', { incident, severity: 'sev1', reason: 'all regions' });
  await stage.does('add-service', { incident, service: 'cart' });
  await stage.does('assign-role', { incident, role: 'scribe', user: 'bob' });
  await stage.does('assign-role', { incident, role: 'scribe', user: null });
  await stage.does('add-responder', { incident, user: 'grace' });
  await stage.does('add-note', { incident, text: 'error rate 20 %' });
  const note = (await last('incident.note-added'))?.id;
  await stage.does('correct-note', { incident, note, text: 'error rate 2 %' });
  const update = { audience: 'public', text: 'on it', nextUpdateAt: '2026-11-22T12:00:00Z' };
  await stage.does('publish-update', { incident, ...update });
  await stage.does('set-status', { incident, status: 'identified', note: 'bad deploy' });
  await stage.alertResolves();
  await stage.alertResolves({ tier: 'slow' });
  await stage.settled();
  await stage.does('set-status', { incident, status: 'resolved', note: 'holds' });
  await stage.does('reopen', { incident, reason: 'it is back' });
  await stage.does('declare', { ...checkout, services: ['payments'] });
  await stage.does('merge', { incident: 'INC-2', into: incident });
  await stage.settled();
  await stage.does('declare', checkout);
  await stage.does('merge', { incident, into: 'INC-3' });
  await stage.settled();
}

describe('every event of an incident', () => {
  test('says which services it affects and how severe it is, after the event', async () => {
    await wholeStory();
    const events = await of(incident);
    const all = Object.keys(eventCatalog).filter((type) => type.startsWith('incident.'));
    expect([...new Set(events.map(({ type }) => type))].sort()).toEqual(all.sort());
    expect(
      events.filter(({ meta }) => !meta.filters?.services?.includes('checkout') || !meta.filters.severity),
    ).toEqual([]);
    const told = (type: string) => events.findLast((event) => event.type === type)?.meta.filters;
    expect(told('incident.declared')).toEqual({ services: ['checkout'], severity: 'sev2' });
    expect(told('incident.severity-changed')).toEqual({ services: ['checkout'], severity: 'sev1' });
    expect(told('incident.service-affected')).toEqual({ services: ['checkout', 'cart'], severity: 'sev1' });
    expect(told('incident.resolved')).toEqual({ services: ['checkout', 'cart'], severity: 'sev1' });
    const services = ['checkout', 'cart', 'payments'];
    expect(told('incident.absorbed')).toEqual({ services, severity: 'sev1' });
    expect(told('incident.merged')).toEqual({ services, severity: 'sev1' });
  });

  test('belongs to the story that it began with, whatever it comes from', async () => {
    await wholeStory();
    const fired = (await stage.events()).find(({ type }) => type === 'slo.alert.fired');
    const stories = (await of(incident)).map(({ meta }) => meta.correlationId);
    expect(new Set(stories)).toEqual(new Set([fired?.meta.correlationId]));
    expect((await of(incident)).filter(({ meta }) => meta.causationId === null)).toEqual([]);
    const attached = await last('incident.alert-attached');
    const slow = (await stage.events()).filter(({ type }) => type === 'slo.alert.fired')[1];
    expect(attached?.meta.causationId).toBe(slow?.id);
  });
});

describe('a command on an incident', () => {
  test('is the direct cause of its events, and begins no story of its own', async () => {
    await stage.does('declare', checkout, { correlationId: 'first-request' });
    await stage.does('add-note', { incident, text: 'look' }, { correlationId: 'second-request' });
    await stage.does(
      'set-status',
      { incident, status: 'resolved', note: 'fixed' },
      { correlationId: 'third-request', causationId: 'a-message' },
    );
    expect(
      (await of(incident)).map(({ type, meta: { correlationId, causationId } }) => [
        type,
        correlationId,
        causationId,
      ]),
    ).toEqual([
      ['incident.declared', 'first-request', 'first-request'],
      ['incident.note-added', 'first-request', 'second-request'],
      ['incident.resolved', 'first-request', 'a-message'],
    ]);
  });

  test('that is repeated under another correlation id has its effect once', async () => {
    await stage.does('declare', checkout);
    const note = { incident, text: 'look' };
    const first = await stage.ask('add-note', note, { id: 'http:user:ada:key-1', hash: 'a' });
    expect(await stage.ask('add-note', note, { id: 'http:user:ada:key-1', hash: 'a' })).toEqual(first);
    expect(await of(incident)).toHaveLength(2);
  });
});
