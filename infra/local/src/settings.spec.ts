import path from 'node:path';
import { expect, test } from '@jest/globals';
import { checkout, settingsFrom } from './settings.js';

test('defaults', () => {
  expect(settingsFrom({})).toEqual({
    dataDir: path.join(checkout, '.bellwether'),
    stateDir: '/var/lib/bellwether',
    ports: { api: 8080, ingest: 8081, nats: 4222, postgres: 0 },
    databaseUrl: undefined,
    natsUrl: undefined,
    token: undefined,
    secretKey: undefined,
  });
});

test('what is set is taken; an empty variable is as if unset', () => {
  const settings = settingsFrom({
    BELLWETHER_DATA_DIR: '/srv/bellwether',
    BELLWETHER_API_PORT: '9090',
    BELLWETHER_INGEST_PORT: '',
    DATABASE_URL: 'postgresql://a:b@db.example.org/x',
    NATS_URL: 'tls://nats.example.org:4222',
    BELLWETHER_TOKEN: 'long-enough',
  });
  expect(settings.dataDir).toBe('/srv/bellwether');
  expect(settings.ports).toMatchObject({ api: 9090, ingest: 8081 });
  expect(settings).toMatchObject({ databaseUrl: 'postgresql://a:b@db.example.org/x', token: 'long-enough' });
});

test('everything that is wrong is said at once, by the name of its variable, without secrets', () => {
  const wrong = {
    BELLWETHER_API_PORT: '80 80',
    BELLWETHER_NATS_PORT: '70000',
    BELLWETHER_POSTGRES_PORT: '8081',
    DATABASE_URL: 'mysql://root:hunter2@x/y',
    NATS_URL: 'localhost:4222',
    BELLWETHER_TOKEN: '$2a$11$abcdefgh',
    BELLWETHER_SECRET_KEY: 'c2hvcnQ=',
  };
  let message = '';
  try {
    settingsFrom(wrong);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message.split('\n').map((line) => line.match(/^BELLWETHER_\w+|^\w+_URL/)?.[0])).toEqual([
    'BELLWETHER_API_PORT',
    'BELLWETHER_NATS_PORT',
    'DATABASE_URL',
    'NATS_URL',
    'BELLWETHER_TOKEN',
    'BELLWETHER_SECRET_KEY',
    'BELLWETHER_INGEST_PORT',
  ]);
  expect(message).toContain('BELLWETHER_INGEST_PORT and BELLWETHER_POSTGRES_PORT are both 8081');
  expect(message).not.toMatch(/hunter2|abcdefgh|c2hvcnQ/);
  expect(() => settingsFrom({}, ['BELLWETHER_LOG_LEVEL is not valid'])).toThrow(/^BELLWETHER_LOG_LEVEL/);
});
