import { eventCatalog, LogStreams } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { minute, Rehearsal } from './testing/rehearsal.fixture.js';

jest.setTimeout(60_000);

let rehearsal: Rehearsal;
beforeAll(async () => {
  rehearsal = await Rehearsal.start();
}, 60_000);
afterAll(() => rehearsal.stop());

const eventsOf = (page: string) => rehearsal.log.readStream(LogStreams.page(page));
const incident = (id: string) => LogStreams.incident(id);

describe('every event of a page', () => {
  test('says which services its incident affects and how severe it is, at that time', async () => {
    const receiver = await rehearsal.receiver();
    receiver.answerNext(500);
    await rehearsal.user('ada', receiver.url('/ada'));
    await rehearsal.user('grace', receiver.url('/grace'));
    await rehearsal.policy([{ users: ['ada'] }, { users: ['grace'] }], { ackTimeoutMinutes: 30 });
    await rehearsal.declare('INC-1', { services: ['checkout', 'cart'] });
    await rehearsal.until('INC-1-P1', ({ deliveries }) => deliveries[0]?.attempts === 1);
    await rehearsal.quiet();
    await rehearsal.append(incident('INC-1'), 'incident.severity-changed', {
      incident: 'INC-1',
      from: 'sev2',
      to: 'sev1',
      reason: 'all of it',
    });
    await rehearsal.append(incident('INC-1'), 'incident.service-affected', {
      incident: 'INC-1',
      service: 'search',
    });
    await rehearsal.append(incident('INC-1'), 'incident.absorbed', {
      incident: 'INC-1',
      merged: 'INC-9',
      services: ['cart', 'payments'],
      alerts: [],
    });
    await rehearsal.settled();
    await rehearsal.does('page-escalate', { page: 'INC-1-P1' });
    await rehearsal.does('page-reassign', { page: 'INC-1-P1', users: ['grace'] });
    await rehearsal.does('page-acknowledge', { page: 'INC-1-P1' });
    await rehearsal.quiet();
    rehearsal.clock.advance(30 * minute);
    await rehearsal.until('INC-1-P1', ({ status }) => status === 'open');
    for (let step = 0; step < 3; step += 1) {
      await rehearsal.quiet();
      rehearsal.clock.advance(10 * minute);
    }
    await rehearsal.until('INC-1-P1', ({ status }) => status === 'exhausted');
    await rehearsal.resolve('INC-1');
    await rehearsal.until('INC-1-P1', ({ status }) => status === 'cancelled');
    await rehearsal.quiet();

    const events = await eventsOf('INC-1-P1');
    const all = Object.keys(eventCatalog).filter((type) => type.startsWith('page.'));
    expect([...new Set(events.map(({ type }) => type))].sort()).toEqual(all.sort());
    expect(
      events.filter(({ meta }) => !meta.filters?.services?.includes('checkout') || !meta.filters.severity),
    ).toEqual([]);
    expect(events[0]?.meta.filters).toEqual({ services: ['checkout', 'cart'], severity: 'sev2' });
    expect(events.at(-1)?.meta.filters).toEqual({
      services: ['checkout', 'cart', 'search', 'payments'],
      severity: 'sev1',
    });
    expect(new Set(events.map(({ meta }) => meta.correlationId))).toEqual(
      new Set([`story-${incident('INC-1')}`]),
    );
    expect(events.filter(({ meta }) => meta.causationId === null)).toEqual([]);
  });
});

test('a command on a page is the direct cause of its events, and begins no story of its own', async () => {
  const receiver = await rehearsal.receiver();
  await rehearsal.user('ada', receiver.url());
  await rehearsal.policy([{ users: ['ada'] }]);
  await rehearsal.declare('INC-2');
  await rehearsal.until('INC-2-P1', ({ deliveries }) => deliveries[0]?.state === 'delivered');
  await rehearsal.does('page-acknowledge', { page: 'INC-2-P1' }, { correlationId: 'a-request' });
  const acknowledged = (await eventsOf('INC-2-P1')).find(({ type }) => type === 'page.acknowledged');
  expect(acknowledged?.meta).toMatchObject({
    correlationId: `story-${incident('INC-2')}`,
    causationId: 'a-request',
    actor: 'user:ada',
  });
  const other = { name: 'other', steps: [{ targets: [{ kind: 'user', name: 'ada' }], timeoutMinutes: 5 }] };
  // What somebody defines begins a story: that of the request, which is its direct cause, too.
  await rehearsal.does('policy-define', other, { correlationId: 'a-file' });
  const [defined] = await rehearsal.log.readStream(LogStreams.policy('other'));
  expect(defined?.meta).toMatchObject({ correlationId: 'a-file', causationId: 'a-file' });
});
