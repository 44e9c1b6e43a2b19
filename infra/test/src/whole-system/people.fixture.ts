import type { WholeSystem } from './system.fixture.js';

/**
 * A service whose pages go to Ada, then to Grace, each at a webhook of `hook` (`<hook>/ada`, `<hook>/grace`).
 * @param escalation how long a step waits for an answer, and how often all steps are gone through again
 */
export async function definePeople(
  system: WholeSystem,
  service: string,
  hook: string,
  escalation: { timeoutMinutes: number; repeat: number } = { timeoutMinutes: 15, repeat: 0 },
): Promise<void> {
  const { timeoutMinutes, repeat } = escalation;
  for (const name of ['ada', 'grace']) {
    await system.put(`/v1/users/${name}`, {
      name,
      contactMethods: [
        { id: 'hook', kind: 'webhook', address: `${hook}${name}`, secret: WEBHOOK_SECRET, verified: true },
      ],
      rules: [{ urgency: 'high', afterMinutes: 0, method: 'hook' }],
    });
  }
  await system.put('/v1/schedules/primary', {
    name: 'primary',
    timeZone: 'Europe/Berlin',
    layers: [
      {
        name: 'week',
        rotation: { type: 'weekly', length: 1, start: '2026-01-05T09:00', participants: ['ada', 'grace'] },
      },
    ],
  });
  await system.put('/v1/policies/default-policy', {
    name: 'default-policy',
    ackTimeoutMinutes: 240,
    repeat,
    steps: [
      { targets: [{ kind: 'schedule', name: 'primary' }], timeoutMinutes },
      { targets: [{ kind: 'user', name: 'grace' }], timeoutMinutes },
    ],
  });
  await system.put(`/v1/services/${service}`, {
    name: service,
    team: 'shop',
    tier: 1,
    escalationPolicy: 'default-policy',
  });
}

/** A Standard Webhooks secret of these tests. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from('a secret of the whole-system test').toString('base64')}`;
