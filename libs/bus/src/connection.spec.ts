import { describe, expect, test } from '@jest/globals';
import { parseAddress } from './connection.js';

describe('the address of NATS', () => {
  test.each([
    ['127.0.0.1:4222', { servers: ['127.0.0.1:4222'], tls: false }],
    ['nats://nats.example.org', { servers: ['nats.example.org:4222'], tls: false }],
    [
      'nats://services:p%40ss@a:1,nats://b:2',
      { servers: ['a:1', 'b:2'], user: 'services', pass: 'p@ss', tls: false },
    ],
    ['tls://token@a:1', { servers: ['a:1'], token: 'token', tls: true }],
    ['nats://[::1]:4222', { servers: ['[::1]:4222'], tls: false }],
  ])('%s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  test.each(['', ' , ', 'http://a:1', 'nats://', 'nats://u:secret@a:notaport'])('refuses %j', (text) => {
    expect(() => parseAddress(text)).toThrow(TypeError);
  });

  test('a mistake in it does not show the password', () => {
    expect(() => parseAddress('nats://u:secret@a:notaport')).not.toThrow(/secret/);
  });
});
