import { LogStreams, type SystemState } from '@bellwether/contracts';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig?.stop());

const declare = async (title: string): Promise<string> => {
  const incident = { title, severity: 'sev3', services: ['checkout'] };
  const { status, body } = await rig.post<{ id: string }>('/v1/incidents', incident);
  expect(status).toBe(201);
  return body.id;
};

/** An event of an incident as no service writes it. */
const spoil = async (id: string, type: 'incident.declared' | 'incident.severity-changed') =>
  (await rig.append(LogStreams.incident(id), type, null as never)).position;

test('an incident whose event cannot be taken is shown as it was, and every other one as it is', async () => {
  await rig.put('/v1/services/checkout', { tier: 1 });
  const id = await declare('before');
  expect((await rig.get('/v1/services/checkout/gate')).status).toBe(200);
  const position = await spoil(id, 'incident.severity-changed');
  const other = await declare('after');
  expect((await rig.get(`/v1/incidents/${other}`)).body).toMatchObject({ title: 'after' });
  expect((await rig.get(`/v1/incidents/${id}`)).body).toMatchObject({ title: 'before' });
  const { projections } = (await rig.get<SystemState>('/v1/system')).body;
  expect(projections.find(({ name }) => name === 'incidents')).toMatchObject({
    halted: null,
    parkedKeys: 1,
    parked: [{ key: id, position, error: expect.any(String) }],
  });
  expect(projections.filter(({ parkedKeys }) => parkedKeys > 0)).toHaveLength(1);

  // What would have to show the event says why it cannot, at once.
  const says = expect.stringMatching(new RegExp(`event ${position} .*bellwether rebuild incidents`));
  expect(await rig.get(`/v1/incidents/${id}?minVersion=2`)).toMatchObject({
    status: 503,
    body: { detail: says },
  });
  expect(await rig.get('/v1/services/checkout/gate')).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining(`cannot take event ${position} of ${id}`) },
  });
});

test('that there is no such incident is not said of one that begins with such an event', async () => {
  const position = await spoil('INC-9000', 'incident.declared');
  expect(await rig.get('/v1/incidents/INC-9000')).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining(`cannot take event ${position}`) },
  });
  expect((await rig.get('/v1/incidents/INC-9001')).status).toBe(404);
});

test('resources, alerts and corrections of an SLO are parked apart from those of others', async () => {
  const position = (await rig.append(LogStreams.slo('spoilt'), 'slo.alert.fired', {} as never)).position;
  await rig.append(LogStreams.slo('spoilt'), 'slo.corrected', {} as never);
  await rig.put('/v1/services/later', { tier: 2 });
  expect((await rig.get('/v1/services/later')).status).toBe(200);
  const { projections } = (await rig.get<SystemState>('/v1/system')).body;
  const parked = projections.flatMap(({ name, parked: keys }) => keys.map(({ key }) => [name, key]));
  expect(parked).toContainEqual(['slo_alerts', 'slo:spoilt']);
  expect(projections.find(({ name }) => name === 'slo_alerts')?.parked).toMatchObject([{ position }]);
  for (const { halted } of projections) expect(halted).toBeNull();
});
