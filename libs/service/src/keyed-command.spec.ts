import { commandRequest } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import { keyedCommandId } from './keyed-command.js';

test('any Idempotency-Key makes a command id of its own, of each caller', () => {
  const keys = [
    'a',
    'b',
    'ü',
    'two words',
    'k'.repeat(255),
    'k'.repeat(256),
    'k'.repeat(8_000),
    `${'k'.repeat(8_000)}2`,
  ];
  const ids = keys.flatMap((key) => [keyedCommandId('user:ada', key), keyedCommandId('user:grace', key)]);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(commandRequest.shape.id.safeParse(id).success).toBe(true);
  expect(keyedCommandId('user:ada', 'k'.repeat(8_000))).toBe(ids[12]);
});
