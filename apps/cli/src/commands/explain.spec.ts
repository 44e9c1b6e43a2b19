import { stripVTControlCharacters } from 'node:util';
import { expect, test } from '@jest/globals';
import { causeTree } from './explain.js';

const link = (eventId: string, ...causedBy: string[]) => ({
  eventId,
  type: `type.${eventId}`,
  at: '2026-11-22T10:00:00.000Z',
  summary: `what ${eventId} says`,
  causedBy,
});
const tree = (...chain: ReturnType<typeof link>[]) =>
  stripVTControlCharacters(causeTree(chain))
    .split('\n')
    .map((line) =>
      line.replace(' 2026-11-22T10:00:00.000Z', '').replace(/what (\w+) says {2}\1$/, 'what $1 says'),
    );

test('one cause each is a line that goes down', () => {
  expect(tree(link('page', 'incident'), link('incident', 'alert'), link('alert'))).toEqual([
    'type.page',
    '│ what page says',
    '└ type.incident',
    '  │ what incident says',
    '  └ type.alert',
    '      what alert says',
  ]);
});

test('several causes stand beside each other; what caused two is told once and referred to', () => {
  expect(
    tree(
      link('incident', 'fast', 'slow'),
      link('fast', 'measured'),
      link('slow', 'measured'),
      link('measured'),
    ),
  ).toEqual([
    'type.incident',
    '│ what incident says',
    '├ type.fast',
    '│ │ what fast says',
    '│ └ type.measured',
    '│     what measured says',
    '└ type.slow',
    '  │ what slow says',
    '  └ type.measured, told above  measured',
  ]);
});

test('what nothing in the chain was caused by begins a tree of its own, and what is left out is said', () => {
  expect(tree(link('declared', 'alert'), link('attached', 'other'), link('alert'))).toEqual([
    'type.declared',
    '│ what declared says',
    '└ type.alert',
    '    what alert says',
    'type.attached',
    '│ what attached says',
    '└ an event further back  other',
  ]);
});
