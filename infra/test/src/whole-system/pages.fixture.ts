import type { EventEnvelope, Incident, Page, PageNotification, PageRequested } from '@bellwether/contracts';
import { expect } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { WebhookReceiver } from '../webhook-receiver.js';
import type { WholeSystem } from './system.fixture.js';

/**
 * Acknowledges a page once every call that it has asked for so far has arrived, and waits until its incident knows.
 * @returns how many calls those were
 */
export async function acknowledge(system: WholeSystem, page: string): Promise<number> {
  const arrived = await eventually(
    async () => {
      const { deliveries } = await system.get<Page>(`/v1/pages/${page}`);
      for (const { idempotencyKey, state } of deliveries)
        expect([idempotencyKey, state]).toEqual([idempotencyKey, 'delivered']);
      return deliveries.length;
    },
    { timeoutMs: 60_000 },
  );
  await system.keepPosting(`/v1/pages/${page}/acknowledge`, { note: 'on it' }, 'acknowledge');
  // Nothing else would say that what follows from it is yet to come.
  await eventually(
    async () => {
      const { acknowledgedAt } = await system.get<Incident>(`/v1/incidents/${page.replace(/-P\d+$/, '')}`);
      expect(acknowledgedAt).not.toBeNull();
    },
    { timeoutMs: 60_000 },
  );
  return arrived;
}

/**
 * Each step of a page ran once, with an intent for each receiver; receivers were paged under the keys of intents and
 * of nothing else.
 * @param arrived how many intents must have arrived; what was asked for later may have been overtaken by the acknowledge
 */
export function expectOneIntentEach(
  requested: readonly PageRequested[],
  pager: WebhookReceiver,
  arrived: number,
): void {
  const steps = requested.map(
    ({ page, step, cycle, reason }) =>
      `${page} ${cycle}.${step}${['declared', 'timeout'].includes(reason) ? '' : ` ${reason}`}`,
  );
  expect(new Set(steps).size).toBe(steps.length);
  const intents = requested.flatMap((request) => request.intents.map((intent) => intent.idempotencyKey));
  expect(new Set(intents).size).toBe(intents.length);
  const pages = pager.requests.filter(({ json }) => (json as PageNotification).type === 'page.requested');
  const called = new Set(pages.map((request) => request.headers['webhook-id']));
  expect(intents).toEqual(expect.arrayContaining([...called]));
  expect([...called]).toEqual(expect.arrayContaining(intents.slice(0, arrived)));
}

/** The data of the events of a type, in order. */
export const dataOf = <T>(events: readonly EventEnvelope[], type: string): T[] =>
  events.filter((event) => event.type === `bellwether.${type}.v1`).map((event) => event.data as T);
