import { LogStreams } from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { describe, expect, test } from '@jest/globals';
import { References } from './references.js';

/** A log of what is defined: services with their policy, policies and users. */
function references(
  defined: { services?: Record<string, string | null>; policies?: string[]; users?: string[] },
  { hasFallback = false } = {},
): References {
  const streams = new Map<string, unknown>();
  for (const [name, escalationPolicy] of Object.entries(defined.services ?? {}))
    streams.set(LogStreams.service(name), { name, ...(escalationPolicy ? { escalationPolicy } : {}) });
  for (const name of defined.policies ?? []) streams.set(LogStreams.policy(name), { name });
  for (const name of defined.users ?? []) streams.set(LogStreams.user(name), { name });
  const log = {
    streamVersion: async (stream: string) => (streams.has(stream) ? 1 : 0),
    readStream: async (stream: string) =>
      streams.has(stream) ? [{ type: 'service.defined', data: streams.get(stream) } as RecordedEvent] : [],
  };
  return new References(log, { defaultPolicy: 'default', hasFallback });
}

describe('a declaration warns', () => {
  const nobody = expect.stringContaining('nobody is paged');

  test('of a service that there is not, and that nobody is paged', async () => {
    expect(await references({}).ofDeclaration({ services: ['ghost', 'ghost'] })).toEqual([
      'service ghost is not defined yet',
      nobody,
    ]);
    expect(await references({}).ofDeclaration({ services: [] })).toEqual([
      expect.stringContaining('the incident names no service, and there is no policy "default"'),
    ]);
  });

  test('that nobody is paged when the policies named are not there', async () => {
    const some = references({ services: { shop: 'pay', plain: null }, policies: ['other'] });
    expect(await some.ofDeclaration({ services: ['plain'] })).toEqual([nobody]);
    expect(await some.ofDeclaration({ services: ['shop'] })).toEqual([nobody]);
    expect(await some.ofDeclaration({ services: ['shop'], escalationPolicy: 'gone' })).toEqual([
      'policy gone is not defined yet',
      nobody,
    ]);
  });

  test('of nothing when its own policy, a service’s, the default or the fallback is there', async () => {
    const services = { shop: 'pay', plain: null };
    const quiet = [
      references({ services, policies: ['own'] }).ofDeclaration({
        services: ['plain'],
        escalationPolicy: 'own',
      }),
      references({ services, policies: ['pay'] }).ofDeclaration({ services: ['plain', 'shop'] }),
      references({ services, policies: ['default'] }).ofDeclaration({ services: ['plain'] }),
      references({ services }, { hasFallback: true }).ofDeclaration({ services: ['plain'] }),
    ];
    expect(await Promise.all(quiet)).toEqual([[], [], [], []]);
  });
});

test('people and services that are not known are warned about, and taken', async () => {
  const some = references({ services: { shop: null }, users: ['ada'] });
  expect([await some.ofUser('ada'), await some.ofService('shop')]).toEqual([[], []]);
  expect(await some.ofUser('bob')).toEqual(['user bob is not defined yet']);
  expect(await some.ofService('ghost')).toEqual(['service ghost is not defined yet']);
});
