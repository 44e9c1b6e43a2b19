import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { asyncApiDocument } from './asyncapi.js';
import { asyncApiIncompatibilities, openApiIncompatibilities } from './compatibility.js';
import type { JsonSchema } from './json-schema.js';
import { openApiDocument } from './openapi.js';

// What other programs were written against stands in libs/contracts/published. A change that adds is published with
//   BELLWETHER_PUBLISH=1 npm run -s jest -- libs/contracts/src/documents/published.spec.ts
// and a change that takes away is refused, published or not.
const folder = path.resolve(import.meta.dirname, '../../published');
const publish = process.env.BELLWETHER_PUBLISH === '1';

describe.each([
  ['openapi.json', openApiDocument, openApiIncompatibilities],
  ['asyncapi.json', asyncApiDocument, asyncApiIncompatibilities],
])('%s', (name, documentOf, incompatibilities) => {
  const file = path.join(folder, name);
  const document = documentOf() as JsonSchema;
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const published = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as JsonSchema) : undefined;

  test('breaks no program that was written against the published one', () => {
    expect(incompatibilities(published ?? document, document)).toEqual([]);
    if (publish) writeFileSync(file, text);
  });

  test('is the published one: additions are published with BELLWETHER_PUBLISH=1', () => {
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(text));
  });
});
