import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { JsonText } from '../json-text.js';
import { eventCatalog } from './catalog.js';
import { withoutSecrets } from './secrets.js';

describe('secrets', () => {
  test('are replaced wherever an event holds one', () => {
    const secret = 'sealed:v1:c2VjcmV0';
    const shown = [
      withoutSecrets('user.defined', { contactMethods: [{ id: 'hook', secret }, { id: 'console' }] }),
      withoutSecrets('policy.defined', { steps: [{ targets: [{ kind: 'webhook', secret }] }] }),
      withoutSecrets('page.requested', { intents: [{ secret }] }),
      withoutSecrets('page.failed', { failover: { secret } }),
      withoutSecrets('token.created', { hash: secret }),
    ];
    expect(JSON.stringify(shown)).not.toContain(secret);
    const text = new JsonText(JSON.stringify({ id: 'a', hash: secret }));
    expect(withoutSecrets('token.created', text)).toEqual({ id: 'a', hash: 'hidden' });
    expect(shown[0]).toEqual({ contactMethods: [{ id: 'hook', secret: 'sealed' }, { id: 'console' }] });
  });

  test('are known of every event whose schema has one', () => {
    // A new event with a secret must be given a way to be shown before it can be published.
    const holding = Object.entries(eventCatalog)
      .filter(([, { data }]) =>
        /"(secret|hash)":/.test(JSON.stringify(z.toJSONSchema(data, { io: 'input' }))),
      )
      .map(([type]) => type);
    expect(holding.sort()).toEqual([
      'page.failed',
      'page.requested',
      'policy.defined',
      'token.created',
      'user.defined',
    ]);
  });

  test('a label that is only called so is no secret', () => {
    const data = { labels: { secret: 'blue' } };
    expect(withoutSecrets('incident.declared', data)).toBe(data);
  });
});
