import type { ProjectionState, SystemState } from '@bellwether/contracts';
import { eventually } from '@bellwether/testing';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Rig } from './rig.fixture.js';

jest.setTimeout(60_000);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig?.stop());

/** Begins a rebuild, and sees it end. */
async function rebuilt(name: string): Promise<ProjectionState> {
  const { status, body } = await rig.post<ProjectionState>(
    `/v1/system/projections/${name}/rebuild`,
    undefined,
  );
  expect(status).toBe(202);
  expect(body.lastBuild).toMatchObject({ id: expect.any(String), startedAt: rig.clock.now().toISOString() });
  return eventually(async () => {
    const { projections } = (await rig.get<SystemState>('/v1/system')).body;
    const found = projections.find((projection) => projection.name === name) as ProjectionState;
    expect(found.lastBuild).toMatchObject({ id: body.lastBuild?.id, endedAt: expect.any(String) });
    return found;
  });
}

test('what became of a rebuild is shown: that it ended, or the event that it cannot take', async () => {
  expect(await rebuilt('gate_overrides')).toMatchObject({
    building: null,
    halted: null,
    lastBuild: { error: null },
  });
  // An override without anything, as no service writes it.
  const { position } = await rig.append('gate:checkout', 'gate.overridden', {} as never);
  const failed = await rebuilt('gate_overrides');
  expect(failed).toMatchObject({
    building: null,
    position: position - 1,
    halted: { position },
    lastBuild: {
      error: expect.stringMatching(new RegExp(`^event ${position} \\(gate\\.overridden\\): .*"id"`)),
    },
  });
});
