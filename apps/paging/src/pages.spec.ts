import { type EventType, LogStreams, ManualClock } from '@bellwether/contracts';
import { type AppendRequest, type EventLog, RequirementFailed } from '@bellwether/event-log';
import type { PageDecision } from '@bellwether/oncall';
import { describe, expect, test } from '@jest/globals';
import type { Cause } from './cause.js';
import { Pages, type PagesOptions } from './pages.js';

const INCIDENT = LogStreams.incident('INC-1');
const request = {
  type: 'page.requested',
  data: { page: 'INC-1-P1', incident: 'INC-1', step: 1, cycle: 1, intents: [], targets: [], next: null },
} as unknown as PageDecision;
const cause = {
  meta: { correlationId: 'c', causationId: null, actor: 'a', source: 's' },
} as unknown as Cause;
const at = '2026-11-22T10:00:00.000Z';
const alert = {
  kind: 'slo',
  name: 'checkout',
  service: 'checkout',
  severity: 'page',
  tier: 'slow',
  state: 'firing',
  firedAt: at,
  resolvedAt: null,
  eventId: 'fired',
};

/** A log in memory, in which others append to the incident just before each append of the page. */
function stage(meanwhile: [type: EventType, data: object][][]) {
  const streams = new Map<string, { type: string; data: unknown; version: number; position: number }[]>();
  const add = (stream: string, type: string, data: object) => {
    const events = streams.get(stream) ?? [];
    const event = { type, data: { incident: 'INC-1', ...data }, version: events.length + 1, position: 1 };
    streams.set(stream, [...events, event]);
  };
  add(INCIDENT, 'incident.declared', {
    title: 'checkout fails',
    severity: 'sev2',
    services: ['checkout'],
    startedAt: at,
    detectedAt: at,
  });
  const log = {
    readStream: async (stream: string) => streams.get(stream) ?? [],
    async append({ stream, require = [] }: AppendRequest) {
      for (const [type, data] of meanwhile.shift() ?? []) add(INCIDENT, type, data);
      const actual = (of: string) => streams.get(of)?.length ?? 0;
      for (const { stream: of, version } of require) {
        if (actual(of) !== version)
          throw new RequirementFailed({ stream: of, expected: version, actual: actual(of) });
      }
      add(stream, request.type, request.data);
      return { lastPosition: 9, version: actual(stream), duplicate: false };
    },
  };
  const pages = new Pages({
    log: log as unknown as EventLog,
    clock: new ManualClock(),
    due: { index: async () => {} },
    onStep: () => {},
    onDue: () => {},
  } as unknown as PagesOptions);
  const seen: [open: boolean, severity: string][] = [];
  const record = () =>
    pages.record('INC-1-P1', cause, (_, { open, severity }) => {
      seen.push([open, severity]);
      return { decisions: open ? [request] : [] };
    });
  return { record, seen, page: () => streams.get(LogStreams.page('INC-1-P1'))?.length ?? 0 };
}

describe('a decision about a page, while its incident changes', () => {
  test('holds when that says nothing new to the page: alerts that attach do not have it decided again', async () => {
    const { record, seen, page } = stage([
      [['incident.alert-attached', { alert }]],
      [
        ['incident.alert-attached', { alert: { ...alert, tier: 'fast' } }],
        ['incident.note-added', { text: 'on it' }],
      ],
    ]);
    expect((await record()).decisions).toEqual([request]);
    expect([seen, page()]).toEqual([[[true, 'sev2']], 1]);
  });

  test('is made again when the severity is another one, and not at all when the incident has ended', async () => {
    const { record, seen, page } = stage([
      [['incident.severity-changed', { from: 'sev2', to: 'sev1', reason: 'worse' }]],
      [['incident.alert-attached', { alert }]],
      [['incident.resolved', {}]],
    ]);
    expect((await record()).decisions).toEqual([]);
    expect([seen, page()]).toEqual([
      [
        [true, 'sev2'],
        [true, 'sev1'],
        [false, 'sev1'],
      ],
      0,
    ]);
  });
});
