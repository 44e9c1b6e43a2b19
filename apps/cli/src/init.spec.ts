import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import {
  measurementBody,
  type Rule,
  type Service,
  type Sli,
  type SloDefinition,
} from '@bellwether/contracts';
import { planRule, planSlo, signalFaults } from '@bellwether/slo';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { STUB } from './init/people.js';
import { templates } from './init/templates.js';
import { parseManifest } from './manifest.js';
import { run } from './program.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bellwether-init-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function bellwether(...argv: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(argv, {
    env: {},
    output: { out: (t) => void out.push(t), err: (t) => void err.push(t), interactive: false },
    cwd: folder,
  });
  const text = (lines: string[]) => stripVTControlCharacters(lines.join('\n'));
  return { code, out: text(out), err: text(err) };
}
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');
const FLAGS = [
  ['--name', 'shop', '--team', 'web', '--tier', '1', '--objective', '99.95%', '--latency', '250ms'],
  ['--runbooks', 'https://wiki.example.com/runbooks/', '--policy', 'web', '--depends-on', 'stock'],
].flat();
const names = Object.keys(templates);

describe.each(names)('init %s', (name) => {
  test('writes a file that is valid as it is, and says what to do next', async () => {
    const { code, out, err } = await bellwether('init', name);
    expect([code, err]).toEqual([0, '']);
    expect(readdirSync(folder)).toEqual([`${name}.yaml`]);
    const validated = await bellwether('validate', '-f', path.join(folder, `${name}.yaml`));
    expect(validated.out).toMatch(/^\d+ resources are valid$/);
    expect(out).toMatch(
      new RegExp(`^wrote ${name}\\.yaml: 1 service, \\d slis, \\d slos?, \\d rules?\n\nNext:`),
    );
    for (const step of [
      'write the runbooks',
      'say who is paged',
      'validate -f',
      'apply -f',
      'bellwether publish',
    ])
      expect(out).toContain(step);
  });

  test('means what it says: nothing in it is refused or warned of, and nothing is named that it does not define', async () => {
    for (const flags of [[], FLAGS]) {
      const { out } = await bellwether('init', name, '-f', '-', ...flags);
      const { entries, faults } = parseManifest('-', out);
      expect(faults).toEqual([]);
      const of = <T>(kind: string) =>
        entries.filter((entry) => entry.kind === kind).map(({ resource }) => resource as T);
      const slis = of<Sli>('sli');
      const unitOf = (sli: string) => slis.find((each) => each.name === sli)?.unit;
      const [service] = of<Service>('service');
      for (const planned of [
        ...of<SloDefinition>('slo').map((slo) => planSlo(slo, unitOf(slo.sli) ?? 'not defined')),
        ...of<Rule>('rule').map((rule) => planRule(rule, unitOf(rule.sli) ?? 'not defined')),
      ])
        expect(planned).toMatchObject({ ok: true, warnings: [] });
      expect(signalFaults('shop', service?.goldenSignals, slis)).toEqual([]);
      for (const signal of Object.values(service?.goldenSignals ?? {}))
        if (signal?.sli !== undefined) expect(unitOf(signal.sli)).toBeDefined();
      for (const each of [...slis, ...of<Rule>('rule')]) expect(each.service).toBe(service?.name);
      const { measurements } = templates[name] as (typeof templates)[string];
      const first = measurements({ seconds: 1 } as never);
      expect(Object.keys(first)).toEqual(slis.map((sli) => sli.name));
      for (const options of Object.values(first)) {
        const point = Object.fromEntries(
          [...options.matchAll(/--(\w+) (\S+)/g)].map(([, field, value]) => [field, Number(value)]),
        );
        expect(measurementBody.safeParse(point).success).toBe(true);
      }
    }
  });

  test('takes its flags', async () => {
    const { out } = await bellwether('init', name, ...FLAGS);
    expect(out).toContain('wrote shop.yaml');
    expect(out).not.toMatch(/write the runbooks|say who is paged/);
    const text = read('shop.yaml');
    for (const line of ['team: web', 'tier: 1', 'escalationPolicy: web', 'objective: 0.9995'])
      expect(text).toContain(line);
    expect(text).toMatch(/runbookUrl: https:\/\/wiki\.example\.com\/runbooks\/shop-/);
    expect(text).toMatch(/(value|threshold): 0\.(25|5)\b/);
    expect(text).not.toContain(STUB);
  });

  test('has people to page as comments, which are valid once they are taken into use', async () => {
    await bellwether('init', name);
    const text = read(`${name}.yaml`)
      .replace(/^#~ /gm, '')
      .replace(/^tier: .*$/m, `$&\nescalationPolicy: ${name}`);
    const { entries, faults } = parseManifest('-', text);
    expect(faults).toEqual([]);
    const named = new Set(entries.map((entry) => `${entry.kind} ${entry.name}`));
    for (const wanted of ['user maria', `schedule ${name}-primary`, `policy ${name}`])
      expect(named).toContain(wanted);
  });
});

describe('init', () => {
  test('leaves a file that is there as it is', async () => {
    writeFileSync(path.join(folder, 'shop.yaml'), 'mine');
    const { code, err } = await bellwether('init', 'api', '--name', 'shop');
    expect([code, err]).toEqual([
      1,
      'error: shop.yaml exists already and is left as it is; name another with --file, or print it with --file -',
    ]);
    expect(read('shop.yaml')).toBe('mine');
    expect((await bellwether('init', 'api', '--name', 'shop', '-f', 'none/shop.yaml')).err).toMatch(
      /^error: none\/shop\.yaml cannot be written: ENOENT/,
    );
  });

  test('lists what there is, and asks whether another was meant', async () => {
    const { out } = await bellwether('init');
    expect(out).toMatch(/^TEMPLATE +FOR +OBJECTIVE\n *web-service +a site or service .* 99.9 %/);
    expect(await bellwether('init', 'web')).toMatchObject({
      code: 2,
      err: `error: there is no template "web"; did you mean web-service? There are ${names.join(', ')}`,
    });
  });

  test.each([
    ['--name', 'Shop', 'must be a lower-case DNS label'],
    ['--objective', '100%', 'above 0 and below 1'],
    ['--objective', '99.9', 'above 0 and below 1'],
    ['--latency', '300', 'must be a time such as 300ms'],
    ['--tier', '5', 'must be from 1 to 4'],
    ['--runbooks', 'wiki', 'must be an http or https URL'],
  ])('%s %s is a wrong call', async (flag, value, message) => {
    const { code, err } = await bellwether('init', 'api', flag, value);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a name that is too long for what is made of it is one, too', async () => {
    const { code, err } = await bellwether('init', 'api', '--name', 'a'.repeat(60));
    expect(code).toBe(2);
    expect(err).toContain('must be at most 63 characters');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('tells programs what it wrote', async () => {
    const { out } = await bellwether('init', 'queue', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({
      file: 'queue.yaml',
      resources: expect.arrayContaining([
        { kind: 'service', name: 'queue' },
        { kind: 'rule', name: 'queue-stuck' },
      ]),
    });
  });
});
