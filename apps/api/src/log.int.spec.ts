import { get as httpGet, type IncomingMessage } from 'node:http';
import {
  type EventData,
  type EventEnvelope,
  type Explanation,
  type IncidentAlert,
  LogStreams,
  measurementJournal,
  sloDefinition,
} from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { eventually } from '@bellwether/testing';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ADMIN, Rig } from './rig.fixture.js';
import { burningStory, pageRequested } from './stories.fixture.js';

jest.setTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start({ stream: { heartbeatMs: 20, slowMs: 3_000, most: 20 } });
});
afterAll(() => rig?.stop());

type Events = { items: EventEnvelope[]; nextCursor: string | null };

/** A reader of the stream, as a program would be one. */
class StreamReader {
  static readonly open: StreamReader[] = [];
  readonly messages: { id?: string; data?: string }[] = [];
  ended = false;
  text = '';

  private constructor(readonly response: IncomingMessage) {
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.take(chunk));
    response.on('close', () => {
      this.ended = true;
    });
    response.on('error', () => {});
    StreamReader.open.push(this);
  }

  static async connect(
    query = '',
    headers: Record<string, string> = {},
    paused = false,
  ): Promise<StreamReader> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpGet(
        `${rig.url}/v1/stream${query}`,
        { headers: { authorization: `Bearer ${ADMIN}`, ...headers }, agent: false },
        resolve,
      );
      request.on('error', reject);
    });
    const reader = new StreamReader(response);
    if (paused) response.pause();
    return reader;
  }

  get events(): EventEnvelope[] {
    return this.messages.flatMap(({ data }) =>
      data === undefined ? [] : [JSON.parse(data) as EventEnvelope],
    );
  }

  get positions(): number[] {
    return this.messages.flatMap(({ id, data }) => (data === undefined ? [] : [Number(id)]));
  }

  close(): void {
    this.response.destroy();
  }

  private take(chunk: string): void {
    this.text += chunk;
    for (let end = this.text.indexOf('\n\n'); end >= 0; end = this.text.indexOf('\n\n')) {
      const message: { id?: string; data?: string } = {};
      for (const line of this.text.slice(0, end).split('\n')) {
        if (line.startsWith('id: ')) message.id = line.slice(4);
        if (line.startsWith('data: ')) message.data = line.slice(6);
      }
      this.messages.push(message);
      this.text = this.text.slice(end + 2);
    }
  }
}

afterEach(() => {
  for (const reader of StreamReader.open.splice(0)) reader.close();
});

let made = 0;
const note = () => {
  made += 1;
  return rig.append(LogStreams.incident('INC-77'), 'incident.note-added', {
    incident: 'INC-77',
    text: `note ${made}`,
    at: rig.clock.now().toISOString(),
    links: [],
    pinned: false,
  });
};
const head = async () => (await rig.log.head('control')).position;
const from = (position: number, to: number) =>
  Array.from({ length: to - position }, (_, i) => position + i + 1);

describe('explain', () => {
  test('leads from a delivered page back to the measurement, each in one sentence', async () => {
    const story = await burningStory(rig, 'INC-1');
    const { body } = await rig.get<Explanation>(`/v1/explain/${story.delivered?.id}`);
    expect(body.chain.map(({ type }) => type)).toEqual([
      'page.delivered',
      'page.requested',
      'incident.declared',
      'slo.alert.fired',
      'measurement.recorded',
    ]);
    for (const [i, link] of body.chain.slice(0, -1).entries())
      expect(link.causedBy).toEqual([body.chain[i + 1]?.eventId]);
    expect(body.chain.at(-1)?.causedBy).toEqual([]);
    expect(body.chain[3]?.summary).toContain(
      'burn 14.6 over 1h and 5m, threshold 14.4, budget remaining 62 %; 850 of 1000 good over 1h, from 2 points in 1 measurement',
    );
    expect(body.chain[4]).toMatchObject({
      eventId: story.measured?.id,
      summary:
        'measured checkout/availability: 850 of 1000 good (2 points from 2026-11-22T09:59:00.000Z to 2026-11-22T10:00:00.000Z)',
    });
  });

  test('takes the id of a measurement that it led to, and answers that alone', async () => {
    const [fired] = (await rig.log.readStream(LogStreams.slo('checkout-availability'))) as [RecordedEvent];
    const { body: whole } = await rig.get<Explanation>(`/v1/explain/${fired.id}`);
    const [, measured] = whole.chain;
    expect(await rig.get(`/v1/explain/${measured?.eventId}`)).toMatchObject({
      status: 200,
      body: { chain: [{ ...measured, causedBy: [] }] },
    });
    const heardOfByNobody = await rig.append(
      LogStreams.measurement('checkout', 'availability'),
      'measurement.recorded',
      { service: 'checkout', sli: 'availability', identity: 'shop/quiet', points: 0, columns: [] },
      { journal: measurementJournal('checkout', 'availability') },
    );
    expect((await rig.get(`/v1/explain/${heardOfByNobody.id}`)).status).toBe(404);
  });

  test('counts the measurements of the window that tipped an alert, wherever they stand in the log', async () => {
    const now = rig.clock.now().getTime();
    const journal = measurementJournal('search', 'availability');
    const measure = (...minutesAgo: number[]) =>
      rig.append(
        LogStreams.measurement('search', 'availability'),
        'measurement.recorded',
        {
          service: 'search',
          sli: 'availability',
          identity: `search/${minutesAgo}`,
          points: minutesAgo.length,
          columns: [
            {
              kind: 'counts',
              at: minutesAgo.map((minutes) => now - minutes * 60_000),
              good: minutesAgo.map(() => 5),
              total: minutesAgo.map(() => 10),
            },
          ],
        },
        { journal },
      );
    // History, of which two points lie in the window; one that came late and does not; then the live ones.
    const history = await measure(...Array.from({ length: 80 }, (_, i) => 15 + i));
    for (let late = 0; late < 600; late += 1) await measure(5_000 + late);
    const tipping = await measure(1);
    // A value, which a ratio has no reading for: nothing of it was counted.
    await rig.append(
      LogStreams.measurement('search', 'availability'),
      'measurement.recorded',
      {
        service: 'search',
        sli: 'availability',
        identity: 'search/value',
        points: 1,
        columns: [{ kind: 'values', at: [now], value: [99.5] }],
      },
      { journal },
    );
    const [last, after] = [await measure(0), await measure(0)];
    await rig.append(LogStreams.slo('search-availability'), 'slo.defined', {
      ...sloDefinition.parse({
        name: 'search-availability',
        service: 'search',
        sli: 'availability',
        objective: 0.999,
        indicator: { kind: 'ratio' },
        budgeting: { method: 'occurrences' },
        window: { rolling: '30d' },
      }),
    });
    const fired = await rig.append(LogStreams.slo('search-availability'), 'slo.alert.fired', {
      slo: 'search-availability',
      service: 'search',
      severity: 'page',
      tier: 'fast',
      longWindow: '1h',
      shortWindow: '5m',
      longBurn: 500,
      shortBurn: 500,
      threshold: 14.4,
      budgetRemaining: 0.5,
      eventTime: new Date(now).toISOString(),
      n: 1,
      evidence: {
        journal,
        position: tipping.position,
        eventId: tipping.id,
        lastPosition: last.position,
        from: new Date(now - 3_600_000).toISOString(),
        to: new Date(now).toISOString(),
        good: 240,
        total: 480,
        shortGood: 10,
        shortTotal: 20,
      },
      startedAt: new Date(now).toISOString(),
      declare: 'sev2',
      title: 'search-availability burns its budget',
    });
    const { body } = await rig.get<Explanation>(`/v1/explain/${fired.id}`);
    expect(after.position).toBeGreaterThan(last.position);
    expect(body.chain[0]).toMatchObject({
      causedBy: [tipping.id],
      summary: expect.stringContaining(
        `; 240 of 480 good over 1h and 10 of 20 over 5m, from 48 points in 3 measurements (positions ${history.position} to ${last.position} of ${journal})`,
      ),
    });
  });

  test('leads from the alert of a composite to those of its components', async () => {
    const [ofPart] = (await rig.log.readStream(LogStreams.slo('checkout-availability'))) as [RecordedEvent];
    const data = ofPart.data as EventData<'slo.alert.fired'>;
    const fired = await rig.append(LogStreams.slo('journey'), 'slo.alert.fired', {
      ...data,
      tier: 'slow',
      slo: 'journey',
      service: 'shop',
      components: [
        { slo: 'checkout-availability', weight: 1, good: 40, total: 60 },
        { slo: 'search-availability', weight: 1, good: 60, total: 60 },
        { slo: 'nosuch', weight: 1, good: 59.5, total: 60 },
      ],
    });
    const { body } = await rig.get<Explanation>(`/v1/explain/${fired.id}`);
    expect(body.chain[0]).toMatchObject({
      causedBy: [data.evidence?.eventId, ofPart.id],
      summary: expect.stringMatching(
        /; 850 of 1000 good over 1h; by component: checkout-availability 40 of 60, nosuch 59.5 of 60$/,
      ),
    });
    expect(body.chain.map(({ type }) => type)).toEqual([
      'slo.alert.fired',
      'measurement.recorded',
      'slo.alert.fired',
    ]);
    const { startedAt: _, declare: __, title: ___, ...burns } = data;
    const resolved = await rig.append(LogStreams.slo('journey'), 'slo.alert.resolved', {
      ...burns,
      tier: 'slow',
      slo: 'journey',
      service: 'shop',
      firedAt: data.eventTime,
      reason: 'recovered',
    });
    const over = await rig.get<Explanation>(`/v1/explain/${resolved.id}`);
    // Its windows were made of several streams: nobody counts the points of one.
    expect(over.body.chain[0]?.summary).toMatch(/; 850 of 1000 good over 1h$/);
  });

  test.each([
    ['slo.budget.crossed', { threshold: 0, direction: 'down' }],
    ['slo.policy.entered', { action: 'freeze', remainingBelow: 0, title: 'overspent', declare: 'sev4' }],
    ['slo.policy.left', { action: 'freeze', remainingBelow: 0, enteredAt: '2026-11-22T10:00:00Z' }],
  ] as const)('leads from %s back to the measurement, which is known by its id', async (type, details) => {
    const journal = measurementJournal('search', 'latency');
    const measured = await rig.append(
      LogStreams.measurement('search', 'latency'),
      'measurement.recorded',
      { service: 'search', sli: 'latency', identity: `shop/${type}`, points: 0, columns: [] },
      { journal },
    );
    const told = await rig.append(LogStreams.slo('search-latency'), type, {
      slo: 'search-latency',
      service: 'search',
      remaining: -0.1,
      eventTime: rig.clock.now().toISOString(),
      n: 1,
      reason: 'recovered',
      ...details,
      evidence: { journal, position: measured.position, eventId: measured.id },
    });
    const { body } = await rig.get<Explanation>(`/v1/explain/${told.id}`);
    expect(body.chain.map(({ eventId, causedBy }) => [eventId, causedBy])).toEqual([
      [told.id, [measured.id]],
      [measured.id, []],
    ]);
    expect(await rig.get(`/v1/explain/${measured.id}`)).toMatchObject({
      status: 200,
      body: { chain: [{ eventId: measured.id }] },
    });
  });

  test('takes the id of a page or of an incident, too', async () => {
    const types = async (id: string) =>
      (await rig.get<Explanation>(`/v1/explain/${id}`)).body.chain.map(({ type }) => type);
    expect(await types('INC-1-P1')).toEqual([
      'page.requested',
      'incident.declared',
      'slo.alert.fired',
      'measurement.recorded',
    ]);
    expect(await types('INC-1')).toEqual(['incident.declared', 'slo.alert.fired', 'measurement.recorded']);
  });

  test('of an incident that somebody reopened, or that took another one in, leads to the measurements, too', async () => {
    const types = async (id: string) =>
      (await rig.get<Explanation>(`/v1/explain/${id}`)).body.chain.map(({ type }) => type);
    const [first] = (await rig.log.readStream(LogStreams.incident('INC-1'))) as [RecordedEvent];
    const { alert, ...declared } = first.data as EventData<'incident.declared'> & { alert: IncidentAlert };
    const [incident, at] = ['INC-31', rig.clock.now().toISOString()];
    const stream = LogStreams.incident(incident);
    await rig.append(stream, 'incident.declared', { ...declared, incident, alert });
    await rig.append(stream, 'incident.resolved', { incident, at, note: '', automatic: false });
    const reopened = await rig.append(stream, 'incident.reopened', { incident, reason: 'still bad' });
    const measured = ['slo.alert.fired', 'measurement.recorded'];
    expect(await types(reopened.id)).toEqual(['incident.reopened', 'incident.declared', ...measured]);

    await rig.append(LogStreams.incident('INC-32'), 'incident.declared', { ...declared, incident: 'INC-32' });
    const merged = await rig.append(stream, 'incident.merged', { incident, into: 'INC-32' });
    await rig.append(
      LogStreams.incident('INC-32'),
      'incident.absorbed',
      { incident: 'INC-32', merged: incident, services: [], alerts: [alert] },
      { causation: merged.id },
    );
    expect(await types('INC-32')).toEqual([
      'incident.declared',
      'incident.absorbed',
      'incident.merged',
      'slo.alert.fired',
      'incident.reopened',
      'measurement.recorded',
      'incident.declared',
    ]);
  });

  test('of what a timer did leads to what was not answered, and not to what came last before', async () => {
    const [first] = (await rig.log.readStream(LogStreams.incident('INC-1'))) as [RecordedEvent];
    const incident = 'INC-33';
    const stream = LogStreams.incident(incident);
    const declared = await rig.append(stream, 'incident.declared', {
      ...(first.data as EventData<'incident.declared'>),
      incident,
    });
    const page = LogStreams.page(`${incident}-P1`);
    const requested = await rig.append(page, 'page.requested', pageRequested(incident), {
      causation: declared.id,
    });
    const delivered = await rig.append(page, 'page.delivered', {
      page: `${incident}-P1`,
      incident,
      idempotencyKey: `${incident}-key`,
      user: 'ada',
      method: 'hook',
      kind: 'webhook',
      attempt: 1,
    } as never);
    const timer = { causation: delivered.id };
    const place = { page: `${incident}-P1`, incident, step: 2, cycle: 1, reason: 'timeout' } as const;
    const escalated = await rig.append(
      page,
      'page.escalated',
      { ...place, from: 1, by: null } as never,
      timer,
    );
    const later = await rig.append(page, 'page.requested', { ...pageRequested(incident), ...place }, timer);
    const note = await rig.append(stream, 'incident.note-added', {
      incident,
      text: 'by the way',
      at: rig.clock.now().toISOString(),
      links: [],
      pinned: false,
    });
    const vacant = await rig.append(
      stream,
      'incident.command-vacant',
      { incident, since: declared.occurredAt.toISOString() },
      { causation: note.id },
    );
    const { alert } = declared.data as { alert: IncidentAlert };
    const at = rig.clock.now().toISOString();
    const changed = await rig.append(stream, 'incident.status-changed', {
      ...{ incident, from: 'investigating', to: 'monitoring', note: '', at, automatic: true },
    });
    const last = await rig.append(stream, 'incident.note-added', {
      ...{ incident, text: 'going home', at, links: [], pinned: false },
    });
    const after = { causation: last.id };
    const resolved = await rig.append(
      stream,
      'incident.resolved',
      { incident, at, note: 'quiet', automatic: true },
      after,
    );
    const reopened = await rig.append(
      stream,
      'incident.reopened',
      { incident, reason: 'still firing', stillFiring: [alert.eventId] },
      after,
    );
    const chain = async (id: string) =>
      (await rig.get<Explanation>(`/v1/explain/${id}`)).body.chain.map(({ eventId }) => eventId);
    expect((await chain(resolved.id)).slice(0, 3)).toEqual([resolved.id, changed.id, declared.id]);
    expect((await chain(reopened.id)).slice(0, 2)).toEqual([reopened.id, alert.eventId]);
    expect((await chain(later.id)).slice(0, 4)).toEqual([later.id, escalated.id, requested.id, declared.id]);
    expect((await chain(vacant.id)).slice(0, 2)).toEqual([vacant.id, declared.id]);
  });

  test('of an SLI that its first measurement defined leads to that', async () => {
    const defined = {
      service: 'quiet',
      name: 'availability',
      description: '',
      unit: 'count',
      labels: {},
    } as never;
    const id = '019b0000-0000-7000-8000-00000000f157';
    const sli = await rig.append(LogStreams.sli('quiet', 'availability'), 'sli.defined', defined, {
      causation: id,
    });
    const { body: before } = await rig.get<Explanation>(`/v1/explain/${sli.id}`);
    expect(before.chain.map(({ type }) => type)).toEqual(['sli.defined']);
    await rig.append(
      LogStreams.measurement('quiet', 'availability'),
      'measurement.recorded',
      { service: 'quiet', sli: 'availability', identity: 'first', points: 0, columns: [] },
      { journal: measurementJournal('quiet', 'availability'), id },
    );
    const { body } = await rig.get<Explanation>(`/v1/explain/${sli.id}`);
    expect(body.chain.map(({ eventId }) => eventId)).toEqual([sli.id, id]);
  });

  test('of a page goes over all of its requests: who was paged later asks by the same id', async () => {
    const page = LogStreams.page('INC-7-P1');
    const first = await rig.append(page, 'page.requested', pageRequested('INC-7'));
    const escalated = await rig.append(page, 'page.escalated', {
      page: 'INC-7-P1',
      incident: 'INC-7',
      from: 1,
      step: 2,
      cycle: 1,
      reason: 'timeout',
      by: null,
      nextAction: { kind: 'none', at: null, step: 2 },
    } as never);
    const request = pageRequested('INC-7');
    const later = await rig.append(page, 'page.requested', {
      ...request,
      step: 2,
      reason: 'timeout',
      users: ['grace'],
      intents: request.intents.map((intent) => ({ ...intent, user: 'grace' })),
    });
    const { body } = await rig.get<Explanation>('/v1/explain/INC-7-P1');
    expect(body.chain.map(({ eventId }) => eventId)).toEqual([first.id, later.id, escalated.id]);
    expect(body.chain[1]?.summary).toContain('to grace (step 2');
  });

  test('takes a cause that is a request for none: what somebody did follows from what was there', async () => {
    const note = (causation: string) =>
      rig.append(
        LogStreams.incident('INC-1'),
        'incident.note-added',
        { incident: 'INC-1', text: 'look', at: rig.clock.now().toISOString(), links: [], pinned: false },
        { causation, actor: 'user:ada' },
      );
    const types = async (event: RecordedEvent) =>
      (await rig.get<Explanation>(`/v1/explain/${event.id}`)).body.chain.map(({ type }) => type);
    const expected = ['incident.note-added', 'incident.declared', 'slo.alert.fired', 'measurement.recorded'];
    const made = await note('019b0000-0000-7000-8000-000000000000');
    expect(await types(made)).toEqual(expected);
    expect(await types(await note('deploy-7'))).toEqual(expected);
    const { body } = await rig.get<Explanation>(`/v1/explain/${made.id}`);
    for (const [i, link] of body.chain.slice(0, -1).entries())
      expect(link.causedBy).toEqual([body.chain[i + 1]?.eventId]);
  });

  test('takes nothing for a cause that came later, though a request bore its id', async () => {
    const request = '019b0000-0000-7000-8000-00000000abcd';
    const data = { incident: 'INC-1', at: rig.clock.now().toISOString(), links: [], pinned: false };
    const stream = LogStreams.incident('INC-1');
    const early = await rig.append(
      stream,
      'incident.note-added',
      { ...data, text: 'a' },
      { causation: request },
    );
    await rig.append(stream, 'incident.note-added', { ...data, text: 'b' }, { id: request });
    const { body } = await rig.get<Explanation>(`/v1/explain/${early.id}`);
    expect(body.chain.map(({ eventId }) => eventId)).not.toContain(request);
    expect(body.chain).toHaveLength(4);
  });

  test('finds an event that was appended this very moment', async () => {
    const event = await note();
    expect((await rig.get(`/v1/explain/${event.id}`)).status).toBe(200);
  });

  test.each(['INC-4040', 'INC-1-P9', '019b0000-0000-7000-8000-000000000000', 'nonsense', "a'--"])(
    'of %s is 404',
    async (id) => {
      expect((await rig.get(`/v1/explain/${encodeURIComponent(id)}`)).status).toBe(404);
    },
  );
});

describe('events', () => {
  test('are paged in log order, without gaps', async () => {
    for (let i = 0; i < 5; i += 1) await note();
    const last = await head();
    const positions: number[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await rig.get<Events>(`/v1/events?limit=2${cursor}`);
      positions.push(...body.items.map(({ position }) => position));
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(positions).toEqual(from(0, last));
    const { body } = await rig.get<Events>(`/v1/events?after=${last - 2}`);
    expect(body.items.map(({ position }) => position)).toEqual([last - 1, last]);
  });

  test('are filtered by type, key and correlation', async () => {
    const types = async (query: string) =>
      (await rig.get<Events>(`/v1/events?${query}`)).body.items.map(({ type }) => type);
    expect(await types('type=slo.alert.fired&correlation=shop')).toEqual(['bellwether.slo.alert.fired.v1']);
    expect(await types('type=bellwether.slo.alert.fired.v1,page.requested&correlation=shop')).toEqual([
      'bellwether.slo.alert.fired.v1',
      'bellwether.page.requested.v1',
    ]);
    expect(await types('type=page.*&key=INC-1-P1')).toEqual([
      'bellwether.page.requested.v1',
      'bellwether.page.delivered.v1',
    ]);
    expect(await types('correlation=shop')).toHaveLength(4);
    expect(await types('key=nothing-like-it')).toEqual([]);
    expect((await rig.get("/v1/events?type=a'--")).status).toBe(400);
    for (const path of ['/v1/events', '/v1/stream'])
      expect(await rig.get(`${path}?type=incident.declard`)).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining('did you mean incident.declared?') },
      });
    expect((await rig.get('/v1/events?after=-1')).status).toBe(400);
  });
});

describe('the stream', () => {
  test('begins with what comes next', async () => {
    const begin = await head();
    await eventually(async () =>
      expect((await rig.get<{ head: number }>('/v1/system')).body.head).toBe(begin),
    );
    const reader = await StreamReader.connect();
    expect(reader.response.headers['content-type']).toContain('text/event-stream');
    await eventually(() => expect(reader.messages[0]?.id).toBe(String(begin)));
    const event = await note();
    await eventually(() => expect(reader.events).toHaveLength(1));
    expect(reader.events[0]).toMatchObject({ id: event.id, position: begin + 1, subject: 'INC-77' });
    expect(reader.messages.find(({ data }) => data)?.id).toBe(String(begin + 1));
  });

  test('goes from history to live without a gap or a repeat, however they meet', async () => {
    let writing = true;
    const writer = (async () => {
      while (writing) await note();
    })();
    try {
      const readers = await Promise.all([0, 1, 2, 3].map((after) => StreamReader.connect(`?after=${after}`)));
      await eventually(async () => {
        for (const reader of readers) expect(reader.positions.length).toBeGreaterThan(100);
      });
      // A reader that breaks off and resumes by the last id, again and again.
      let last = 0;
      const seen: number[] = [];
      for (let i = 0; i < 5; i += 1) {
        const reader = await StreamReader.connect('', { 'last-event-id': String(last) });
        await eventually(() => expect(reader.positions.length).toBeGreaterThan(10));
        reader.close();
        seen.push(...reader.positions);
        last = seen.at(-1) as number;
      }
      writing = false;
      await writer;
      const end = await head();
      await eventually(() => {
        for (const reader of readers) expect(reader.positions.at(-1)).toBe(end);
      });
      for (const [after, reader] of readers.entries()) expect(reader.positions).toEqual(from(after, end));
      expect(seen).toEqual(from(0, last));
    } finally {
      writing = false;
      await writer;
    }
  });

  test('resumes after the id of an event as well as after a position', async () => {
    const event = await note();
    const next = await note();
    const reader = await StreamReader.connect('', { 'last-event-id': event.id });
    await eventually(() => expect(reader.positions).toEqual([next.position]));
  });

  test('shows what the filter lets through, and moves the id on past the rest', async () => {
    const reader = await StreamReader.connect('?type=page.*&key=INC-1-P1&after=0');
    await eventually(() => expect(reader.events.length).toBe(2));
    const last = await note();
    await eventually(() => expect(reader.messages.at(-1)?.id).toBeDefined());
    await eventually(() =>
      expect(Math.max(...reader.messages.map(({ id }) => Number(id ?? 0)))).toBe(last.position),
    );
    expect(reader.events.every(({ type }) => type.startsWith('bellwether.page.'))).toBe(true);
  });

  test('cuts off a reader that takes nothing, and no other', async () => {
    // More than the buffers of both ends of a connection take.
    const count = 24;
    for (let i = 0; i < count; i += 1) {
      await rig.append(LogStreams.incident('INC-78'), 'incident.note-added', {
        incident: 'INC-78',
        text: 'x'.repeat(1_000_000),
        at: rig.clock.now().toISOString(),
        links: [],
        pinned: false,
      });
    }
    const begin = (await head()) - count;
    for (let i = 0; i < 5; i += 1) await StreamReader.connect('?after=0', {}, true);
    const quick = await StreamReader.connect(`?after=${begin}`);
    await eventually(() => expect(quick.positions).toEqual(from(begin, begin + count)), {
      timeoutMs: 20_000,
    });
    await eventually(
      async () => {
        const { body } = await rig.get<{ streams: { connections: number } }>('/v1/system');
        expect(body.streams.connections).toBe(1);
      },
      { timeoutMs: 30_000 },
    );
    expect(quick.ended).toBe(false);
  });

  test('is not held open by a HEAD', async () => {
    const { status, headers } = await rig.ask('HEAD', '/v1/stream');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  });

  test('refuses readers beyond its limit, and places beyond the end of the log', async () => {
    const readers = await Promise.all(Array.from({ length: 20 }, () => StreamReader.connect()));
    await eventually(() => expect(readers.every(({ messages }) => messages.length > 0)).toBe(true));
    const refused = await rig.get('/v1/stream');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('5');
    for (const reader of readers) reader.close();
    await eventually(async () => {
      const { status, body } = await rig.get('/v1/stream', { headers: { 'last-event-id': '99999999' } });
      expect(status).toBe(400);
      expect(body.errors).toBeDefined();
    });
    expect((await rig.get('/v1/stream', { headers: { 'last-event-id': 'x y' } })).status).toBe(400);
  });
});
