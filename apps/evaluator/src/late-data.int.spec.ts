import type { SloAlertFired, SloStatus } from '@bellwether/contracts';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DAY, eventually, MINUTE, Rehearsal, sloBody } from './testing/rehearsal.fixture.js';

// Real servers, on a machine that may be busy.
jest.setTimeout(120_000);

let stage: Rehearsal;
/** All that was measured: `[millis, good, total]`. */
const measured: [number, number, number][] = [];

const SLOS = {
  events: {},
  slices: { budgeting: { method: 'timeslices', sliceTarget: 0.99 }, window: { rolling: '7d' } },
  month: { window: { calendar: 'month', timeZone: 'Europe/Berlin' } },
};
/** Where each window begins, at ten o'clock on 22 November. */
const BEGINS = {
  events: Date.parse('2026-10-23T10:00:00Z'),
  slices: Date.parse('2026-11-15T10:00:00Z'),
  month: Date.parse('2026-10-31T23:00:00Z'),
};

beforeAll(async () => {
  stage = await Rehearsal.start();
  await stage.startService();
  for (const [name, overrides] of Object.entries(SLOS)) {
    await stage.must('slo-define', sloBody({ name, objective: 0.99, ...overrides }));
  }
  const now = stage.clock.now().getTime();
  const clean: [number, number, number][] = [];
  for (let at = now - 5 * DAY; at < now; at += MINUTE) clean.push([at, 100, 100]);
  await tell(clean);
});
afterAll(() => stage.stop());

/** Records points, in messages of 1,000, and waits until they are counted. */
async function tell(points: [number, number, number][]): Promise<{ id: string; position: number }> {
  let last = { id: '', position: 0 };
  for (let i = 0; i < points.length; i += 1000) last = await stage.measure(points.slice(i, i + 1000));
  measured.push(...points);
  await stage.settled();
  return last;
}

/** What each SLO must count, from all that was measured. */
function expected() {
  const of = (from: number) => measured.filter(([at]) => at >= from);
  const events = (from: number) => ({
    good: of(from).reduce((sum, [, good]) => sum + good, 0),
    total: of(from).reduce((sum, [, , total]) => sum + total, 0),
  });
  const minutes = new Map<number, [number, number]>();
  for (const [at, good, total] of of(BEGINS.slices)) {
    const minute = Math.floor(at / MINUTE);
    const [g, t] = minutes.get(minute) ?? [0, 0];
    minutes.set(minute, [g + good, t + total]);
  }
  const verdicts = [...minutes.values()].map(([good, total]) => good / total >= 0.99);
  return {
    events: events(BEGINS.events),
    slices: { good: verdicts.filter((isGood) => isGood).length, total: verdicts.length },
    month: events(BEGINS.month),
  };
}

async function statuses(): Promise<Record<string, SloStatus>> {
  const found: Record<string, SloStatus> = {};
  for (const name of Object.keys(SLOS)) {
    found[name] = (await stage.must<SloStatus>('slo-status', { slo: name })).data;
  }
  return found;
}

test('measurements of any age restate what is counted, and nobody is paged for the past', async () => {
  const now = stage.clock.now().getTime();
  const outage = (from: number, minutes: number): [number, number, number][] =>
    Array.from({ length: minutes }, (_, i) => [from + i * MINUTE, 0, 5000]);
  for (const late of [
    outage(now - 4 * DAY, 30), // within the windows, in hours that are no longer in memory
    outage(now - 8 * DAY, 60), // before the first measurement there was, and beyond the week
    outage(now - 24 * DAY, 10), // of the former month
    outage(now - 200 * DAY, 5), // beyond every window, and beyond the sums that are kept
    outage(now - 399 * DAY, 1), // as old as a measurement may be
  ]) {
    await tell(late);
    await eventually(async () => expect(await statuses()).toMatchObject(expected()));
  }
  expect(await stage.alerts()).toEqual([]);
  const { stored, recomputed } = await stage.buckets();
  expect(stored).toBe(recomputed);
});

test('late measurements in the windows of an alert fire it, with the one that tipped it as evidence', async () => {
  const now = stage.clock.now().getTime();
  const told = await tell([[now - 3 * MINUTE, 0, 5000]]);
  const fired = await eventually(async () => {
    const found = (await stage.transitions()).find(
      ({ type, data }) =>
        type === 'slo.alert.fired' &&
        (data as SloAlertFired).slo === 'events' &&
        (data as SloAlertFired).tier === 'fast' &&
        (data as SloAlertFired).severity === 'page',
    );
    expect(found).toBeDefined();
    return found;
  });
  expect(fired).toMatchObject({
    data: {
      startedAt: new Date(now - 3 * MINUTE).toISOString(),
      evidence: { eventId: told.id, position: told.position },
    },
  });
  await eventually(async () => expect(await statuses()).toMatchObject(expected()));
  // Whatever fired fired for this minute, and not for the past.
  for (const { type, data } of await stage.transitions()) {
    if (type !== 'slo.alert.fired') continue;
    expect((data as SloAlertFired).startedAt).toBe(new Date(now - 3 * MINUTE).toISOString());
  }
});
