import { user } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { secretFaults, secretsOfUser, secretWarnings, unkeptSecrets } from './signing-secret.js';

const withSecret = (secret?: string, id = 'hook') =>
  secretsOfUser(
    user.parse({
      name: 'ada',
      contactMethods: [{ id, kind: 'webhook', address: 'http://127.0.0.1:1/', secret }],
    }),
  );
const random = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64');
const path = 'contactMethods.0.secret';

describe('a secret that signs', () => {
  test.each([`whsec_${random(24)}`, `whsec_${random(64)}`, random(32), `whsec_${random(7)}`, 'sealed'])(
    'may be %s',
    (secret) => expect(secretFaults(withSecret(secret))).toEqual([]),
  );

  test.each(['hunter2', 'abc', 'whsec_', 'whsec_YW4=', 'whsec_YWJj\n'])('is not %j', (secret) =>
    expect(secretFaults(withSecret(secret))).toEqual([
      { path, message: expect.stringMatching(/^must be a Standard Webhooks secret: whsec_ and the base64/) },
    ]),
  );

  test('is neither one that is sealed already, nor one that has no room once it is', () => {
    expect(secretFaults(withSecret(`sealed:v1:${random(40)}`))).toEqual([
      { path, message: 'must be the secret itself, or "sealed" to keep the stored one' },
    ]);
    expect(secretFaults(withSecret(`whsec_${random(120)}`))).toEqual([{ path, message: 'is too long' }]);
  });

  test('is warned of where it can be guessed', () => {
    expect(secretWarnings(withSecret(`whsec_${random(7)}`))).toEqual([
      expect.stringMatching(/^contactMethods[.]0[.]secret has 7 bytes, which can be guessed/),
    ]);
    for (const secret of [`whsec_${random(24)}`, 'sealed', undefined])
      expect(secretWarnings(withSecret(secret))).toEqual([]);
  });

  test('is kept only where the same method has one', () => {
    const kept = withSecret('sealed');
    expect(unkeptSecrets(kept, withSecret('sealed'))).toEqual([]);
    for (const stored of [[], withSecret(), withSecret('sealed', 'other')])
      expect(unkeptSecrets(kept, stored)).toEqual([
        { path, message: 'no secret is stored that could be kept' },
      ]);
  });
});
