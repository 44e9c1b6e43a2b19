import { describe, expect, test } from '@jest/globals';
import { natsAccessConfig, natsServerConfig } from './server-config.js';

const access = {
  services: { user: 'services', password: 's3cret' },
  publisher: { user: 'publisher', password: 'p' },
  subscriber: { user: 'subscriber', password: { env: 'SUBSCRIBER_PASSWORD' } },
};

describe('configuration of nats-server', () => {
  test('settings are quoted, passwords may come from the environment', () => {
    const text = natsServerConfig({
      ...access,
      services: { user: 'services', password: 'quote " and \\ backslash' },
      host: '127.0.0.1',
      port: 4222,
      storeDir: '/data/na"ts',
      serverName: 'one',
      monitorPort: 8222,
      pidFile: '/run/nats.pid',
      logFile: '/log/nats.log',
    });
    expect(text).toContain('listen: "127.0.0.1:4222"');
    expect(text).toContain('store_dir: "/data/na\\"ts"');
    expect(text).toContain('password: "quote \\" and \\\\ backslash"');
    expect(text).toContain('password: $SUBSCRIBER_PASSWORD');
    expect(text).toContain('max_payload: 8388608');
  });

  test.each(['', '$2a$10$abc', 'line\nbreak', { env: 'A B' }])('refuses the password %j', (password) => {
    expect(() => natsAccessConfig({ ...access, publisher: { user: 'publisher', password } })).toThrow(
      TypeError,
    );
  });
});
