import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { fieldTable, tables, withoutMeaning } from './field-tables.fixture.js';
import { kinds } from './manifest.js';

// The tables of docs/manifests.md are made of the schemas, between marks. After a change of a schema write them with
//   BELLWETHER_PUBLISH=1 npm run -s jest -- apps/cli/src/manifests-document.spec.ts
const file = path.resolve(import.meta.dirname, '../../../docs/manifests.md');
const TABLE = /(<!-- fields of ([a-zA-Z]+) -->\n)([\s\S]*?)(\n<!-- \/fields -->)/g;

if (process.env.BELLWETHER_PUBLISH === '1') {
  const filled = readFileSync(file, 'utf8').replace(TABLE, (whole, open, name, _table, close) =>
    tables[name] === undefined ? whole : `${open}${fieldTable(tables[name])}${close}`,
  );
  writeFileSync(file, filled);
}

describe('docs/manifests.md', () => {
  const text = readFileSync(file, 'utf8');
  const written = new Map([...text.matchAll(TABLE)].map(([, , name = '', table = '']) => [name, table]));

  test('has a table for every kind of manifest, and for what they share', () => {
    expect([...written.keys()].sort()).toEqual(Object.keys(tables).sort());
    expect(Object.keys(tables)).toEqual(expect.arrayContaining(Object.keys(kinds)));
  });

  test.each(Object.entries(tables))('says of %s which fields it has, and what they mean', (name, schema) => {
    expect(withoutMeaning(schema)).toEqual([]);
    expect(written.get(name)?.split('\n')).toEqual(fieldTable(schema).split('\n'));
  });
});
