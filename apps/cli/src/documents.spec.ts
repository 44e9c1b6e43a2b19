import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { buildProgram } from './program.js';

const root = path.resolve(import.meta.dirname, '../../..');
const files = globSync(['README.md', 'docs/**/*.md', 'libs/*/README.md', 'infra/*/README.md'], { cwd: root });

/** Calls of the command in code of a document, as words up to the first that is no plain name. */
function calls(text: string): string[][] {
  const code = [...text.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([block]) => block);
  return code.flatMap((block) =>
    [...block.matchAll(/(?:^|[\n`|(]|\$ |npx )\s*bellwether (?!ready:)([^\n`|)]*)/g)].map(([, rest = '']) =>
      rest.split(/\s+/).filter((word) => word !== ''),
    ),
  );
}

/** What does not exist of a call; null when all does. */
function faultOf(program: Command, words: readonly string[]): string | null {
  let command = program;
  let isValue = false;
  for (const word of words) {
    if (isValue) {
      isValue = false;
      continue;
    }
    if (word.startsWith('#')) return null;
    if (/^--?[a-z]/.test(word)) {
      const [name] = word.split('=') as [string];
      if (['--help', '-h', '--version', '-V'].includes(name)) return null;
      const option = [...command.options, ...program.options].find((each) =>
        [each.long, each.short].includes(name),
      );
      if (option === undefined) return `${command.name()} has no ${name}`;
      isValue = option.required && name === word;
      continue;
    }
    const child = command.commands.find((each) => each.name() === word);
    if (child !== undefined) command = child;
    else if (command.commands.length > 0) return `${command.name()} has no command ${word}`;
  }
  return null;
}

describe('documents name commands and options that there are', () => {
  const program = buildProgram();

  test('what is not there is found', () => {
    const found = calls('`npx bellwether incident invent INC-1` and `bellwether get slos --colour`');
    expect(found.map((words) => faultOf(program, words))).toEqual([
      'incident has no command invent',
      'get has no --colour',
    ]);
  });

  test.each(files)('%s', (file) => {
    const found = calls(readFileSync(path.join(root, file), 'utf8'));
    expect(found.map((words) => faultOf(program, words)).filter((fault) => fault !== null)).toEqual([]);
  });

  test('and some do', () => {
    const all = files.flatMap((file) => calls(readFileSync(path.join(root, file), 'utf8')));
    expect(all.length).toBeGreaterThan(30);
  });
});
