import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { CliError } from './errors.js';
import { parseManifest, readManifests } from './manifest.js';
import { faultText } from './manifest-fault.js';

const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const slo = `kind: slo
name: checkout-availability
service: checkout
sli: availability
objective: 0.999
indicator: { kind: ratio }
budgeting: { method: occurrences }
window: { rolling: 30d }
`;

function faultsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof CliError) return [error.message, ...error.details];
    throw error;
  }
  return [];
}

describe('manifests', () => {
  test('several documents of several kinds, defaults filled in, what is referred to first', () => {
    const file = path.join(folder, 'all.yaml');
    writeFileSync(file, `${slo}---\nkind: service\nname: checkout\n---\n# nothing here\n`);
    const entries = readManifests([file]);
    expect(entries.map((e) => [e.kind, e.name, e.path])).toEqual([
      ['service', 'checkout', '/v1/services/checkout'],
      ['slo', 'checkout-availability', '/v1/slos/checkout-availability'],
    ]);
    expect(entries[1]?.resource).toMatchObject({ missingData: 'freeze' });
    expect(entries[1]?.where).toBe(`${file}:1`);
  });

  const faults = (yaml: string) => parseManifest('a.yaml', yaml).faults.map(faultText);

  test('every fault is named with file, line, column and field', () => {
    expect(faults(slo.replace('0.999', '1.5').replace('ratio', 'ratios'))).toEqual([
      'a.yaml:5:12: slo checkout-availability: objective: must be below 1: write 0.015 for 1.5 %',
      expect.stringMatching(
        /^a\.yaml:6:20: slo checkout-availability: indicator\.kind: must be one of ratio, threshold, percentile, mean, composite$/,
      ),
    ]);
    // Of what is not there the nearest thing around it is named.
    expect(
      faults(slo.replace('rolling: 30d', 'calendar: month, zone: UTC').replace('name:', 'nam:')),
    ).toEqual([
      'a.yaml:1:1: slo (no name): name: is required',
      'a.yaml:8:34: slo (no name): window.zone: is not a known field',
      'a.yaml:2:6: slo (no name): nam: is not a known field; did you mean name?',
    ]);
    expect(faults('kind: slos\nname: x')).toEqual([
      expect.stringMatching(
        /^a\.yaml:1:7: kind "slos" is not known; did you mean slo\? It must be one of user, /,
      ),
    ]);
    expect(faults('kind: qqqqq\nname: x')[0]).toMatch(/ kind "qqqqq" is not known; it must be one of user, /);
    expect(faults('name: x')[0]).toMatch(/^a\.yaml:1:1: kind is missing; it must be one of user, /);
    expect(faults('- 1')[0]).toMatch(/must be a mapping/);
    expect(faults('kind: service\nname: a\nname: b')[0]).toMatch(/^a\.yaml:3:1: Map keys must be unique/);
  });

  test('what the server would refuse is refused without it', () => {
    const rule = `kind: rule
name: few
service: checkout
sli: availability
aggregate: ratio
window: 5m
op: lt
threshold: 99
severity: page
summary: few are good
runbookUrl: https://runbooks.example.org/few
`;
    expect(faults(rule)).toEqual([
      'a.yaml:8:12: rule few: threshold: always holds with "lt": a ratio is from 0 to 1',
    ]);
    expect(faults(rule.replace('99', '0.99'))).toEqual([]);
    expect(faults(rule.replace(/runbookUrl.*/, ''))).toEqual([
      expect.stringMatching(/^a\.yaml:1:1: rule few: runbookUrl: is required: an alert must say what to do/),
      'a.yaml:8:12: rule few: threshold: always holds with "lt": a ratio is from 0 to 1',
    ]);
    expect(faults(slo.replace('30d', '500d'))).toEqual([
      'a.yaml:8:20: slo checkout-availability: window.rolling: must not be longer than measurements are kept: 400d',
    ]);
    const freeze = 'kind: freeze\nname: x\nservices: "*"\nreason: y\n';
    const rrule = '{ rrule: FREQ=HOURLY, start: 2026-01-02T17:00, duration: 3d, timeZone: UTC }';
    expect(faults(`${freeze}recurrence: ${rrule}\n`)).toEqual([
      expect.stringMatching(/^a\.yaml:5:22: freeze x: recurrence\.rrule: /),
    ]);
  });

  test.each([
    ['name: a\n tier: 1', '3:2: is indented as if it were more of the value in line 2'],
    ['links:\n  - text: a\n     url: b', '4:6: is indented as if it were more of the value in line 3'],
    ['description: one: two', '2:14: a value with a colon and a space in it must be in quotes'],
    ['name a\ntier: 1', '2:1: is no "field: value": the colon behind the name is missing'],
    ['description: "a\nname: a', '4:1: Missing closing "quote; it begins in line 2'],
    [
      'links: [{ text: a,\nname: a',
      '3:1: Flow map in block collection must be sufficiently indented and end with a }; it begins in line 2',
    ],
    ['\tname: a', '2:1: Tabs are not allowed as indentation'],
  ])('of text that is not YAML the line at fault is named: %j', (text, fault) => {
    expect(faults(`kind: service\n${text}\n`)).toEqual([`a.yaml:${fault}`]);
  });

  test('what fields must not be together is told beside what one of them must not be', () => {
    const windows = `alerting: { windows: [{ severity: page, tier: fast, long: 5m, short: 1h, burn: 500 }] }\n`;
    const both = [
      'a.yaml:5:12: slo checkout-availability: objective: must be below 1: an objective of 1 leaves no budget',
      'a.yaml:9:70: slo checkout-availability: alerting.windows.0.short: must not be longer than long',
    ];
    expect(faults(`${slo.replace('0.999', '1')}${windows}`)).toEqual(both);
    // Nothing is told that only a stand-in is at fault for: the burn rate is too high for no objective yet.
    expect(faults(`${slo.replace('0.999', '1').replace('sli: availability\n', '')}${windows}`)).toEqual([
      expect.stringContaining('objective: must be below 1'),
      expect.stringContaining('sli: is required'),
      expect.stringContaining('windows.0.short: must not be longer than long'),
    ]);
    const slices = slo
      .replace('occurrences', 'timeslices, slice: 90s')
      .replace('kind: ratio', 'kind: ratios');
    expect(faults(slices)).toEqual([
      expect.stringContaining('indicator.kind: must be one of'),
      expect.stringContaining('budgeting.slice: must be a whole number of minutes'),
    ]);
    // A composite has no SLI, and it is not missed while the composite is wrong.
    const journey = slo.replace('sli: availability\n', '').replace('kind: ratio', 'kind: composite, of: []');
    expect(faults(journey)).toEqual([expect.stringContaining('indicator.of: must have at least 2 entries')]);
  });

  test('a secret that signs nothing is told of where it stands', () => {
    const form = 'must be a Standard Webhooks secret: whsec_ and the base64 of 24 to 64 random bytes';
    expect(
      faults(
        'kind: user\nname: ada\ncontactMethods:\n  - { id: hook, kind: webhook, address: "http://a.example/", secret: abc }\n',
      ),
    ).toEqual([expect.stringContaining(`a.yaml:4:70: user ada: contactMethods.0.secret: ${form}`)]);
    const policy = (secret: string) =>
      `kind: policy\nname: pay\nsteps:\n  - timeoutMinutes: 5\n    targets: [{ kind: webhook, address: "http://a.example/", secret: ${secret} }]\n`;
    for (const secret of ['hunter2', 'whsec_YW4='])
      expect(faults(policy(secret))).toEqual([
        expect.stringContaining(`policy pay: steps.0.targets.0.secret: ${form}`),
      ]);
    for (const secret of ['sealed', 'whsec_YW4gZXhhbXBsZSBzaWduaW5nIHNlY3JldA=='])
      expect(faults(policy(secret))).toEqual([]);
  });

  test("another tool's file is named, with the command that reads it", () => {
    expect(faults('version: prometheus/v1\nservice: a\nslos: []\n')).toEqual([
      'a.yaml:1:1: this is a Sloth specification and no manifest: make one of it with bellwether import sloth -f a.yaml',
    ]);
    expect(faults('apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\n')).toEqual([
      expect.stringContaining('bellwether import sloth -f a.yaml'),
    ]);
    expect(faults('# comment\napiVersion: openslo/v1\nkind: SLO\n')).toEqual([
      'a.yaml:2:1: this is OpenSLO and no manifest: make one of it with bellwether import openslo -f a.yaml',
    ]);
  });

  test('faults of all files are told at once', () => {
    const some = path.join(folder, 'some');
    mkdirSync(some);
    writeFileSync(path.join(some, 'x.yaml'), 'kind: service\nname: X\n');
    writeFileSync(path.join(some, 'y.json'), '{"kind": "service"');
    expect(faultsOf(() => readManifests([some]))).toEqual([
      'the manifests are not valid',
      expect.stringMatching(/x\.yaml:2:7: service X: name: must be a lower-case DNS label/),
      expect.stringMatching(/y\.json:1:\d+: /),
    ]);
    rmSync(some, { recursive: true });
  });

  test('the same resource twice is refused, whichever the file', () => {
    writeFileSync(path.join(folder, 'b.yaml'), 'kind: service\nname: twice\n');
    writeFileSync(path.join(folder, 'c.yaml'), 'kind: service\nname: twice\n');
    expect(faultsOf(() => readManifests([folder]))[0]).toMatch(
      /^service twice is defined twice: .*b\.yaml:1 and .*c\.yaml:1$/,
    );
  });

  test('a file that is not there is a wrong call', () => {
    expect(faultsOf(() => readManifests([path.join(folder, 'none.yaml')]))[0]).toMatch(/does not exist$/);
  });

  test('standard input is a file too', () => {
    expect(readManifests(['-'], () => 'kind: service\nname: piped\n')[0]).toMatchObject({
      name: 'piped',
      where: 'stdin:1',
    });
  });
});
