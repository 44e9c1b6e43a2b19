import { CONTROL_JOURNAL, LogStreams } from '@bellwether/contracts';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Rehearsal } from './testing/rehearsal.fixture.js';

jest.setTimeout(60_000);

let stage: Rehearsal;
afterEach(() => stage?.stop());

const minutes = (count: number) => count * 60_000;
const rewind = (position: number) =>
  stage.log.pool.query('update incident.consumer_checkpoints set position = $1', [position]);

/** A life with everything in it: an alert that joins nothing, one that declares, people, a merge, a resolve. */
async function live(): Promise<void> {
  await stage.append(
    'service:checkout',
    'service.defined',
    { name: 'checkout', description: '', tier: 1, dependsOn: ['payments'], runbooks: [], links: [] },
    'user:ada',
  );
  await stage.alertFires({ severity: 'ticket', declare: null });
  await stage.alertFires();
  await stage.settled();
  await stage.acknowledges('ada');
  await stage.does('declare', { title: 'by hand', severity: 'sev1', services: ['search'] });
  await stage.does('merge', { incident: 'INC-2', into: 'INC-1' });
  await stage.alertResolves();
  await stage.settled();
  await stage.does('set-status', { incident: 'INC-1', status: 'resolved', note: 'fixed' });
  stage.clock.advance(minutes(60));
  await stage.alertFires({ tier: 'slow' });
  await stage.settled();
}

describe('a crash between the append and the checkpoint', () => {
  test('leads to the same events: what is handled again changes nothing', async () => {
    stage = await Rehearsal.start();
    await live();
    const [events, index] = [await stage.events(), await stage.index()];
    for (let position = events.length - 1; position >= 0; position--) {
      await stage.stopServices();
      await rewind(position);
      await stage.startService();
      await stage.settled();
    }
    expect(await stage.events()).toEqual(events);
    expect(await stage.index()).toEqual(index);
  });

  test('is gone on from by the next instance: the append is found, not repeated', async () => {
    stage = await Rehearsal.start();
    await stage.alertFires();
    await stage.settled();
    // As the process left it: the incident is in the log, neither the checkpoint nor the index knows.
    await stage.stopServices();
    await rewind(0);
    await stage.log.pool.query('truncate incident.incidents');
    await stage.startService();
    await stage.settled();
    await stage.alertFires({ tier: 'slow' });
    await stage.settled();
    expect(await stage.incidents()).toMatchObject([{ id: 'INC-1', version: 2, alerts: [{}, {}] }]);
  });
});

describe('the tables of the service', () => {
  test('are rebuilt from the log, and the past is not acted upon again', async () => {
    stage = await Rehearsal.start();
    await live();
    const [events, index] = [await stage.events(), await stage.index()];
    await stage.stopServices();
    await stage.log.pool.query('drop schema incident cascade');
    // A long time later: what joined nothing then would belong to an open incident now.
    stage.clock.advance(minutes(600));
    await stage.startService({ BELLWETHER_COMMAND_VACANCY: '0' });
    await stage.settled();
    expect(await stage.events()).toEqual(events);
    const dueless = ([incidents, services]: unknown[]) => [
      (incidents as object[]).map((row) => ({ ...row, due_at: null })),
      services,
    ];
    expect(dueless((await stage.index()) as unknown[])).toEqual(dueless(index as unknown[]));
  });

  test('follow the settings: another quiet period counts for incidents that are open', async () => {
    stage = await Rehearsal.start();
    await stage.alertFires({ declare: 'sev3' });
    await stage.alertResolves();
    await stage.settled();
    await stage.stopServices();
    await stage.startService({ BELLWETHER_QUIET_PERIOD: '5m' });
    stage.clock.advance(minutes(5));
    await stage.until(({ status }) => status === 'resolved');
  });
});

describe('time', () => {
  test('that passed while nobody ran is caught up with, once, by two instances', async () => {
    stage = await Rehearsal.start(2);
    await stage.alertFires();
    await stage.settled();
    await stage.stopServices();
    stage.clock.advance(minutes(11));
    await Promise.all([stage.startService(), stage.startService()]);
    await stage.until(({ vacancyRaised }) => vacancyRaised);
    stage.clock.advance(minutes(600));
    await stage.settled();
    const vacant = (await stage.events()).filter((event) => event.type === 'incident.command-vacant');
    expect(vacant).toMatchObject([{ data: { since: '2026-11-22T10:00:00.000Z' } }]);
  });
});

describe('an event that cannot be handled', () => {
  test('waits aside with those of its aggregate; others go on, and it is handled later', async () => {
    stage = await Rehearsal.start();
    // An acknowledge of an incident that the log does not have (yet).
    const page = {
      page: 'INC-1-P1',
      incident: 'INC-1',
      by: 'user:ada',
      via: 'link',
      at: '2026-11-22T10:00:00.000Z',
    };
    await stage.append(LogStreams.page('INC-1-P1'), 'page.acknowledged', page as never, 'user:ada');
    await stage.alertFires();
    await stage.settled();
    expect(await stage.incident()).toMatchObject({ acknowledgedAt: null });
    const list = await stage.ask('dlq-list', {});
    expect(list).toMatchObject({ data: { items: [{ key: 'page/INC-1-P1', type: 'page.acknowledged' }] } });
    await stage.ask('dlq-retry', {}, { role: 'admin' });
    await stage.settled();
    expect(await stage.incident()).toMatchObject({ acknowledgedAt: '2026-11-22T10:00:00.000Z' });
    expect((await stage.log.head(CONTROL_JOURNAL)).position).toBeGreaterThan(2);
  });
});
