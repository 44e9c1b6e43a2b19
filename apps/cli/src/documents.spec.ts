import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { foreseenWarnings } from './foreseen.js';
import { Known } from './known.js';
import { kinds, parseManifest } from './manifest.js';
import { planChange } from './plan.js';
import { buildProgram } from './program.js';
import { referencesOf } from './references.js';

/** Schedules of the documents have begun by then. */
const NOW = new Date('2026-11-22T10:00:00Z');

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

/** Blocks of YAML in a document, with the line of each. */
function manifestsIn(file: string): { where: string; source: string }[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  return [...text.matchAll(/^```ya?ml\n([\s\S]*?)^```$/gm)].map(({ 1: source = '', index }) => ({
    where: `${file}:${text.slice(0, index).split('\n').length + 1}`,
    source,
  }));
}

/** What a document quotes of messages: code within its lines, of more than a word or two. */
function phrasesIn(file: string): string[] {
  const lines = readFileSync(path.join(root, file), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  return [...lines.matchAll(/`([^`\n]{15,})`/g)].map(([, phrase = '']) => phrase);
}

const fileOf = ({ where }: { where: string }): string => where.slice(0, where.lastIndexOf(':'));

describe('manifests in documents', () => {
  const all = files.flatMap(manifestsIn);

  test('there are some of every kind', () => {
    const found = new Set(
      all.flatMap(({ source }) => parseManifest('a.yaml', source).entries.map((e) => e.kind)),
    );
    expect([...found].sort()).toEqual(Object.keys(kinds).sort());
  });

  test.each(all.map(({ where, source }) => [where, source]))('%s is valid', (where, source) => {
    const { entries, faults } = parseManifest(where, source);
    expect(faults).toEqual([]);
    expect(entries.length).toBeGreaterThan(0);
  });

  // Whoever copies a block and is warned looks for a mistake of their own.
  test.each(all)('$where gives no warning that its document does not speak of', async ({ where, source }) => {
    const { entries } = parseManifest(where, source);
    const beside = all.filter((block) => fileOf(block) === fileOf({ where }));
    const known = new Known([
      ...beside.flatMap((block) => parseManifest(block.where, block.source).entries),
      ...entries,
    ]);
    const spokenOf = phrasesIn(fileOf({ where }));
    for (const entry of entries) {
      // A block is a part: what it names may be defined by another one, or by the reader.
      const named = referencesOf(entry).map(({ said }) => known.missing(said));
      const warnings = await foreseenWarnings(planChange(entry, undefined), known, NOW);
      const unsaid = warnings.filter(
        (warning) => !named.includes(warning) && !spokenOf.some((phrase) => warning.includes(phrase)),
      );
      expect({ name: entry.name, unsaid }).toEqual({ name: entry.name, unsaid: [] });
    }
  });

  // A manifest is the whole resource: applied in the demo, one without these would take its people and its place away.
  test('the service of the demo is written as a whole', () => {
    const services = all.flatMap(({ where, source }) =>
      parseManifest(where, source).entries.flatMap(({ kind, name, raw }) =>
        kind === 'service' && name === 'checkout' ? [{ where, fields: Object.keys(raw) }] : [],
      ),
    );
    expect(services.length).toBeGreaterThan(2);
    for (const { where, fields } of services)
      expect({ where, fields }).toEqual({
        where,
        fields: expect.arrayContaining(['team', 'tier', 'dependsOn', 'escalationPolicy']),
      });
  });
});
