import { describe, expect, test } from '@jest/globals';
import { composedFaults } from './components.js';
import { Known } from './known.js';
import { parseManifest } from './manifest.js';
import { planChange } from './plan.js';

const rest =
  'service: shop\nobjective: 0.99\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }\nalerting: { preset: none }\n';
const composite = (name: string, ...slos: string[]) =>
  `kind: slo\nname: ${name}\n${rest}indicator: { kind: composite, of: [${slos.map((slo) => `{ slo: ${slo} }`).join(', ')}] }\n`;
const measured = (name: string) =>
  `kind: slo\nname: ${name}\n${rest}sli: latency\nindicator: { kind: ratio }\n`;

const entriesOf = (...manifests: string[]) => {
  const { entries, faults } = parseManifest('a.yaml', manifests.join('---\n'));
  expect(faults).toEqual([]);
  return entries;
};

/** What is found in manifests beside a server that has others: `name: field fault`. */
async function refused(manifests: string[], onServer?: string[]): Promise<string[]> {
  const server = new Map(entriesOf(...(onServer ?? [])).map(({ path, resource }) => [path, resource]));
  const entries = entriesOf(...manifests);
  const known = new Known(
    entries,
    onServer && { find: async (path) => server.get(path), list: async () => [] },
  );
  const found = await composedFaults(
    entries.map((entry) => planChange(entry, server.get(entry.path))),
    known,
  );
  return [...found].flatMap(([{ name }, faults]) =>
    faults.map(({ path, message }) => `${name}: ${path} ${message}`),
  );
}

describe('an SLO that would be made of itself', () => {
  const circle = 'b: indicator.of.1.slo would be made of itself: b → a → b';

  test('through others of the manifests, at the one that closes the circle', async () => {
    expect(await refused([composite('a', 'x', 'b'), composite('b', 'x', 'a')])).toEqual([circle]);
  });

  test('through others of the server', async () => {
    const through = [composite('a', 'x', 'c'), composite('c', 'x', 'b')];
    expect(await refused([composite('b', 'x', 'a')], through)).toEqual([
      'b: indicator.of.1.slo would be made of itself: b → a → c → b',
    ]);
    expect(await refused([composite('b', 'x', 'a')], [])).toEqual([]);
  });

  test('until one that comes later is applied, and not once it has been', async () => {
    const server = [composite('a', 'x', 'b')];
    expect(await refused([composite('b', 'x', 'a'), measured('a')], server)).toEqual([circle]);
    expect(await refused([measured('a'), composite('b', 'x', 'a')], server)).toEqual([]);
  });
});
