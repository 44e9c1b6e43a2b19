import { escalationPolicy, schedule, user } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import { policyWarnings, scheduleWarnings, userWarnings } from './definition-warnings.js';

test('a person whom nothing that is verified reaches', () => {
  const hook = { id: 'hook', kind: 'webhook', address: 'http://127.0.0.1:1/', secret: 'sealed' };
  const of = (...contactMethods: object[]) => userWarnings(user.parse({ name: 'ada', contactMethods }));
  expect(of({ ...hook, verified: true })).toEqual([]);
  expect(of(hook)).toEqual([
    'contact method hook is not verified and is not used',
    'ada cannot be reached: there is no verified contact method',
  ]);
  expect(of({ ...hook, verified: true, secret: undefined })).toEqual([
    expect.stringMatching(/^contact method hook has no secret: /),
  ]);
});

test('layers of the same name, and a webhook that cannot be told from another', () => {
  const layer = { name: 'n', rotation: { type: 'daily', start: '2026-11-02T09:00', participants: ['ada'] } };
  expect(scheduleWarnings(schedule.parse({ name: 's', timeZone: 'UTC', layers: [layer, layer] }))).toEqual([
    expect.stringMatching(/^layers[.]1[.]name: another layer is named "n"/),
  ]);
  const targets = [{ kind: 'webhook', address: 'http://127.0.0.1:1/' }];
  expect(
    policyWarnings(escalationPolicy.parse({ name: 'p', steps: [{ targets, timeoutMinutes: 1 }] })),
  ).toEqual([expect.stringMatching(/^steps[.]0[.]targets[.]0 has no secret: /)]);
});
