import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../../..');
const config = path.join(root, '.dependency-cruiser.cjs');
const { forbidden } = createRequire(import.meta.url)(config) as { forbidden: { name: string }[] };

/** A tree that keeps all rules. */
const allowed: Record<string, string> = {
  'libs/contracts/src/index.ts': `export const contracts = 1;`,
  'libs/slo/src/index.ts': `import { contracts } from '../../contracts/src/index';\nexport const slo = contracts;`,
  'libs/bus/src/index.ts': `import { contracts } from '../../contracts/src/index';\nexport const bus = contracts;`,
  'libs/bus/src/bus.int.spec.ts': `import { testing } from '../../../infra/test/src/index';\nexport default testing;`,
  'infra/test/src/index.ts': `export const testing = 1;`,
  'node_modules/@nestjs/common/package.json': `{"name": "@nestjs/common", "main": "index.js"}`,
  'node_modules/@nestjs/common/index.js': `export const Injectable = 1;`,
  'node_modules/zod/package.json': `{"name": "zod", "main": "index.js"}`,
  'node_modules/zod/index.js': `export const z = 1;`,
  'libs/contracts/src/schema.ts': `import { z } from 'zod';\nexport const schema = z;`,
  'apps/api/src/index.ts': `import { bus } from '../../../libs/bus/src/index';\nexport const api = bus;`,
};

/** A dependency that npm has put below the package that wants it: another version than the others have. */
function nested(folder: string, name: string, main: string): Record<string, string> {
  const place = `${folder}/node_modules/${name}`;
  return {
    [`${place}/package.json`]: JSON.stringify({ name, main }),
    [`${place}/${main}`]: 'export const connect = 1;\nexport default 1;',
  };
}

/** One violation of each rule: the rule's name, the file that breaks it, and what else must be there. */
const planted: { rule: string; file: string; text: string; beside?: Record<string, string> }[] = [
  {
    rule: 'no-cycles',
    file: 'libs/slo/src/one.ts',
    text: `import { two } from './two';\nexport const one = () => two;`,
    beside: { 'libs/slo/src/two.ts': `import { one } from './one';\nexport const two = () => one;` },
  },
  {
    rule: 'nothing-imports-apps',
    file: 'apps/paging/src/index.ts',
    text: `import { api } from '../../api/src/index';\nexport default api;`,
  },
  {
    rule: 'nothing-imports-apps',
    file: 'infra/demo/src/index.ts',
    text: `import { api } from '../../../apps/api/src/index';\nexport default api;`,
  },
  {
    rule: 'libs-import-contracts-only',
    file: 'libs/slo/src/reads-bus.ts',
    text: `import { bus } from '../../bus/src/index';\nexport default bus;`,
  },
  {
    rule: 'libs-import-contracts-only',
    file: 'libs/bus/src/bus.spec.ts',
    text: `import { testing } from '../../../infra/test/src/index';\nexport default testing;`,
  },
  {
    rule: 'contracts-depend-on-zod-alone',
    file: 'libs/contracts/src/reads-files.ts',
    text: `import { readFileSync } from 'node:fs';\nexport default readFileSync;`,
  },
  {
    rule: 'domain-is-pure',
    file: 'libs/oncall/src/index.ts',
    text: `import { get } from 'node:http';\nexport default get;`,
  },
  {
    rule: 'domain-is-pure',
    file: 'libs/slo/src/index.ts',
    text: `import { createSocket } from 'node:dgram';\nexport default createSocket;`,
  },
  {
    rule: 'contracts-depend-on-zod-alone',
    file: 'libs/contracts/src/reads-postgres.ts',
    text: `import pg from 'pg';\nexport default pg;`,
    beside: nested('libs/contracts', 'pg', 'lib/index.js'),
  },
  {
    rule: 'domain-is-pure',
    file: 'libs/slo/src/reads-postgres.ts',
    text: `import pg from 'pg';\nexport default pg;`,
    beside: nested('libs/slo', 'pg', 'lib/index.js'),
  },
  {
    rule: 'domain-is-pure',
    file: 'libs/practice/src/index.ts',
    text: `import { connect } from '@nats-io/transport-node';\nexport default connect;`,
    beside: nested('libs/practice', '@nats-io/transport-node', 'dist/index.js'),
  },
  {
    rule: 'domain-is-pure',
    file: 'libs/incident/src/index.ts',
    text: `import { Injectable } from '@nestjs/common';\nexport default Injectable;`,
  },
  {
    rule: 'no-deep-imports',
    file: 'apps/relay/src/index.ts',
    text: `import { inside } from '../../../libs/bus/src/inside';\nexport default inside;`,
    beside: { 'libs/bus/src/inside.ts': `export const inside = 1;` },
  },
  {
    rule: 'not-to-unresolvable',
    file: 'apps/ingest/src/index.ts',
    text: `import nowhere from './nowhere';\nexport default nowhere;`,
  },
];

interface Violation {
  from: string;
  rule: { name: string; severity: string };
}

const trees: string[] = [];

/** What the checker says of a tree of files, and its exit code. */
function cruise(files: Record<string, string>): { violations: Violation[]; code: number | null } {
  const tree = mkdtempSync(path.join(tmpdir(), 'bellwether-boundaries-'));
  trees.push(tree);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.join(tree, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(tree, file), text);
  }
  const checker = path.join(root, 'node_modules/.bin/depcruise');
  const run = (...output: string[]) =>
    spawnSync(process.execPath, [checker, '--config', config, ...output, 'apps', 'libs', 'infra'], {
      cwd: tree,
      encoding: 'utf8',
      maxBuffer: 32 * 1024 * 1024,
    });
  const json = JSON.parse(run('--output-type', 'json').stdout) as { summary: { violations: Violation[] } };
  return { violations: json.summary.violations, code: run().status };
}

afterAll(() => {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});

describe('import boundaries', () => {
  let found: Violation[] = [];
  let code: number | null = null;

  beforeAll(() => {
    const files = { ...allowed };
    for (const { file, text, beside } of planted) Object.assign(files, beside, { [file]: text });
    ({ violations: found, code } = cruise(files));
  }, 60_000);

  test('what is allowed passes', () => {
    expect(cruise(allowed)).toEqual({ violations: [], code: 0 });
  }, 60_000);

  test('a tree with violations is refused', () => {
    expect(code).toBeGreaterThan(0);
  });

  test.each(planted)('$rule refuses $file', ({ rule, file }) => {
    expect(found.map(({ rule: { name, severity }, from }) => `${severity}: ${name}: ${from}`)).toContain(
      `error: ${rule}: ${file}`,
    );
  });

  test('every rule has a violation planted here', () => {
    expect([...new Set(planted.map(({ rule }) => rule))].sort()).toEqual(
      forbidden.map(({ name }) => name).sort(),
    );
  });
});

/** What gives another answer at another time, whatever it is passed. */
const IMPURE =
  /\b(Date\.now\(|new Date\(\)|performance\.now\(|Math\.random\(|randomUUID\(|Temporal\.Now\b|setTimeout\()/;

test('the domain libs are given the time and everything else that chance decides', () => {
  const files = ['slo', 'incident', 'oncall'].flatMap((lib) =>
    globSync(`libs/${lib}/src/**/*.ts`, { cwd: root }).filter(
      (file) => !/[.](spec|fixture)[.]ts$/.test(file),
    ),
  );
  expect(files.length).toBeGreaterThan(100);
  const impure = files.filter((file) => IMPURE.test(readFileSync(path.join(root, file), 'utf8')));
  expect(impure).toEqual([]);
  expect('const now = Date.now();').toMatch(IMPURE);
});
