import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { ConfigError, loadConfig, publicUrl, serviceConfig } from './config.js';

const enough = { DATABASE_URL: 'postgres://u:p@127.0.0.1/b', NATS_URL: 'nats://127.0.0.1:4222' };

describe('configuration', () => {
  test('takes defaults for what is unset or empty', () => {
    const config = loadConfig(serviceConfig, { ...enough, BELLWETHER_LOG_LEVEL: '' });
    expect(config).toMatchObject({
      BELLWETHER_API_PORT: 8080,
      BELLWETHER_INGEST_PORT: 8081,
      BELLWETHER_ADMIN_HOST: '127.0.0.1',
      BELLWETHER_LOG_LEVEL: 'info',
    });
    expect(config.BELLWETHER_TOKEN).toBeUndefined();
  });

  test('names all variables that are missing or wrong at once, with the remedy, without their values', () => {
    const load = () =>
      loadConfig(serviceConfig, {
        NATS_URL: 'nats://secret-password@host with spaces',
        BELLWETHER_API_PORT: 'eighty',
        BELLWETHER_SECRET_KEY: 'too-short-secret',
        BELLWETHER_LOG_LEVEL: 'loud',
      });
    expect(load).toThrow(ConfigError);
    const message = problemOf(load);
    for (const variable of [
      'DATABASE_URL: is not set. Expected: the address of PostgreSQL',
      'NATS_URL: is not an address of NATS',
      'BELLWETHER_API_PORT: is not valid. Expected: the public HTTP of api',
      'BELLWETHER_SECRET_KEY: is not 32 bytes in base64. Expected: 32 random bytes',
      'BELLWETHER_LOG_LEVEL: is not valid. Expected: one of trace',
    ]) {
      expect(message).toContain(variable);
    }
    expect(message).not.toMatch(/secret-password|too-short-secret|eighty|loud/);
  });

  test.each(['postgres://a/b', 'postgresql:///b?host=/run/pg'])(
    'accepts the database address %s',
    (DATABASE_URL) => {
      expect(loadConfig(serviceConfig, { ...enough, DATABASE_URL }).DATABASE_URL).toBe(DATABASE_URL);
    },
  );

  test.each(['http://a/b', 'a'])('refuses the database address %s', (DATABASE_URL) => {
    expect(() => loadConfig(serviceConfig, { ...enough, DATABASE_URL })).toThrow(/DATABASE_URL/);
  });

  test('accepts several addresses of NATS', () => {
    const NATS_URL = 'nats://a:4222,nats://b:4222';
    expect(loadConfig(serviceConfig, { ...enough, NATS_URL }).NATS_URL).toBe(NATS_URL);
  });

  test('a service adds its own variables', () => {
    const own = serviceConfig.extend({ INGEST_STRICT: z.stringbool().default(false) });
    expect(loadConfig(own, { ...enough, INGEST_STRICT: 'true' }).INGEST_STRICT).toBe(true);
    expect(problemOf(() => loadConfig(own, { ...enough, INGEST_STRICT: 'perhaps' }))).toContain(
      'INGEST_STRICT',
    );
  });

  test('the public address falls back to the api on this machine', () => {
    expect(publicUrl({ BELLWETHER_PUBLIC_URL: undefined, BELLWETHER_API_PORT: 9000 })).toBe(
      'http://127.0.0.1:9000',
    );
    expect(publicUrl({ BELLWETHER_PUBLIC_URL: 'https://b.example/', BELLWETHER_API_PORT: 1 })).toBe(
      'https://b.example',
    );
  });
});

function problemOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
