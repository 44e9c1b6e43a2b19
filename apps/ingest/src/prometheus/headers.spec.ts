import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadConfig } from '@bellwether/service';
import { afterAll, expect, test } from '@jest/globals';
import { ingestConfig } from '../config.js';
import { headersFrom } from './headers.js';

const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-headers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const setting = (text?: string) =>
  loadConfig(ingestConfig, {
    DATABASE_URL: 'postgres://localhost/x',
    NATS_URL: 'nats://localhost',
    BELLWETHER_PROMETHEUS_HEADERS: text,
  }).BELLWETHER_PROMETHEUS_HEADERS;
const eu = 'https://eu.example.org';

test('headers go to the address that they are for, and nowhere else', async () => {
  const headersOf = headersFrom(setting(`{"${eu}/prometheus/": {"Authorization": "Bearer abc"}}`));
  expect(await headersOf(eu)).toEqual({ Authorization: 'Bearer abc' });
  expect(await headersOf('http://eu.example.org')).toEqual({});
  expect(await headersFrom(setting())(eu)).toEqual({});
});

test('a file is read each time, so that a renewed token holds at once', async () => {
  const file = path.join(folder, 'headers.json');
  const headersOf = headersFrom(setting(file));
  await expect(headersOf(eu)).rejects.toThrow(
    'BELLWETHER_PROMETHEUS_HEADERS names a file that cannot be read (ENOENT)',
  );
  for (const token of ['one', 'two']) {
    writeFileSync(file, JSON.stringify({ [eu]: { 'x-token': token } }));
    expect(await headersOf(eu)).toEqual({ 'x-token': token });
  }
  writeFileSync(file, 'secret');
  await expect(headersOf(eu)).rejects.toThrow(/^the file of BELLWETHER_PROMETHEUS_HEADERS is not \{/);
});

test.each([
  ['{"https://a.example.org": {"x": 1}}'],
  ['{"a.example.org": {"x": "y"}}'],
  ['{"https://a.example.org": {"x": "secret\\nother: y"}}'],
  ['{secret'],
])('%s is refused at the start, without repeating it', (text) => {
  expect(() => setting(text)).toThrow(/BELLWETHER_PROMETHEUS_HEADERS: is not \{"<address>"/);
  expect(() => setting(text)).not.toThrow(/secret/);
});
