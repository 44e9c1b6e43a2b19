import { describe, expect, test } from '@jest/globals';
import { isPrivateAddress, post } from './http-post.js';

describe('private addresses', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '0.0.0.0',
    '100.64.0.1',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:127.0.0.1',
  ])('%s is one', (address) => expect(isPrivateAddress(address)).toBe(true));

  test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111'])('%s is none', (address) =>
    expect(isPrivateAddress(address)).toBe(false),
  );

  test.each(['http://127.0.0.1:1/', 'http://[::1]:1/', 'http://localhost:1/', 'http://2130706433:1/'])(
    'are not called where that is not allowed: %s',
    async (address) => {
      const options = { headers: {}, body: '{}', timeoutMs: 5000, privateAddresses: 'refuse' } as const;
      await expect(post(address, options)).rejects.toThrow('private');
    },
  );
});
