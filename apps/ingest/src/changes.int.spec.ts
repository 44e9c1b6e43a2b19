import { LogStreams } from '@bellwether/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { IngestStage } from './ingest-stage.fixture.js';

// Real servers on a busy machine.
jest.setTimeout(30_000);

let stage: IngestStage;
let service: string;
beforeAll(async () => {
  stage = await IngestStage.start();
}, 60_000);
afterAll(() => stage?.stop(), 60_000);
beforeEach(() => {
  service = stage.next();
});

describe('changes', () => {
  const change = () => ({ service, kind: 'deploy', version: 'v1.2.3', url: 'https://ci.example/1' });

  test('are recorded in the control log', async () => {
    const { status, body } = await stage.post('/v1/changes', change());
    expect(status).toBe(202);
    const [event] = await stage.log.readStream(LogStreams.change(service));
    expect(event).toMatchObject({
      id: body.eventId,
      position: body.position,
      type: 'change.recorded',
      data: { ...change(), actor: 'key:bootstrap', at: expect.any(String) },
    });
  });

  test('are idempotent by key', async () => {
    const send = (content: unknown) =>
      stage.post('/v1/changes', content, { 'idempotency-key': `${service}-c` });
    const first = await send(change());
    expect((await send(change())).body).toEqual(first.body);
    expect((await send({ ...change(), version: 'v2' })).status).toBe(409);
    expect(await stage.log.readStream(LogStreams.change(service))).toHaveLength(1);
  });

  test('an empty key is refused by name, as everywhere', async () => {
    const { status, body } = await stage.post('/v1/changes', change(), { 'idempotency-key': '' });
    expect(status).toBe(400);
    expect(body.errors).toEqual([expect.objectContaining({ path: 'Idempotency-Key' })]);
    expect(await stage.log.readStream(LogStreams.change(service))).toEqual([]);
  });

  test.each([
    ['2099-01-01T00:00:00Z', 422, /ahead of the clock/],
    ['1999-01-01T00:00:00Z', 422, /older than 400 days/],
    ['0001-01-01T00:00:00Z', 400, /years 1000 to 9999/],
    ['0000-01-01T00:00:00Z', 400, /years 1000 to 9999/],
    ['9999-12-31T23:59:59-01:00', 400, /years 1000 to 9999/],
    ['2016-12-31T23:59:60Z', 400, /leap second/],
  ])('of %s are refused with %i, and leave nothing', async (at, expected, message) => {
    const { status, body } = await stage.post('/v1/changes', { ...change(), at });
    expect(status).toBe(expected);
    expect(body.errors).toEqual([{ path: 'at', message: expect.stringMatching(message) }]);
    expect(await stage.log.readStream(LogStreams.change(service))).toEqual([]);
  });

  test('take a clock that is a little ahead, and small letters', async () => {
    const at = new Date(Date.now() + 60_000).toISOString();
    expect((await stage.post('/v1/changes', { ...change(), at: at.toLowerCase() })).status).toBe(202);
    const [event] = await stage.log.readStream(LogStreams.change(service));
    expect(event?.data).toMatchObject({ at });
  });

  test('that are wrong name every fault', async () => {
    const { status, body } = await stage.post('/v1/changes', {
      service: 'No',
      kind: 'party',
      version: '',
      x: 1,
    });
    expect(status).toBe(400);
    expect((body.errors as { path: string }[]).map(({ path }) => path).sort()).toEqual([
      'kind',
      'service',
      'version',
      'x',
    ]);
  });
});
