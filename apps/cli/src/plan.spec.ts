import { expect, test } from '@jest/globals';
import { parseManifest } from './manifest.js';
import { differenceText, leftOutText, type PlannedChange, planChange } from './plan.js';

const entry = (yaml: string) => {
  const [first] = parseManifest('test.yaml', yaml).entries;
  if (!first) throw new Error('no entry');
  return first;
};

/** As people read them: what is left out with a minus. */
const lines = ({ differences }: PlannedChange) =>
  differences.map((each) => (each.leftOut ? `- ${leftOutText(each)}` : differenceText(each)));

test('nothing there: create', () => {
  expect(planChange(entry('kind: service\nname: checkout'), undefined).action).toBe('create');
});

test('what the server answers to the same manifest is unchanged, whatever defaults it filled in', () => {
  const change = entry('kind: service\nname: checkout\ntier: 1\nteam: pay');
  expect(planChange(change, { ...change.resource, warnings: [] })).toMatchObject({
    action: 'unchanged',
    differences: [],
  });
});

test('a rule whose SLI is named with its service is the one that the server has', () => {
  const rule = (named: string) =>
    entry(
      `kind: rule\nname: slow\n${named}\naggregate: p95\nwindow: 5m\nop: gt\nthreshold: 1\nseverity: page\nsummary: slow\nrunbookUrl: https://runbooks.example.org/slow`,
    );
  const { resource } = rule('service: checkout\nsli: latency');
  expect(planChange(rule('sli: checkout/latency'), resource).action).toBe('unchanged');
  expect(lines(planChange(rule('sli: search/latency'), resource))).toEqual([
    'service: "checkout" → "search"',
  ]);
});

test('a change names the field with before and after', () => {
  const before = { ...entry('kind: service\nname: checkout\ntier: 1').resource };
  expect(lines(planChange(entry('kind: service\nname: checkout\ntier: 2\ndependsOn: [db]'), before))).toEqual(
    ['tier: 1 → 2', 'dependsOn: [] → ["db"]'],
  );
});

test('a label that is taken away is a change', () => {
  const slo = (labels: string) =>
    entry(
      `kind: slo\nname: a\nservice: b\nsli: c\nobjective: 0.9\nindicator: {kind: ratio}\nbudgeting: {method: occurrences}\nwindow: {rolling: 30d}\nlabels: ${labels}`,
    );
  expect(lines(planChange(slo('{}'), slo('{team: pay}').resource))).toEqual(['- labels.team: "pay"']);
});

test('an optional field that is taken away is a change, and what the server adds of its own is none', () => {
  const before = entry('kind: service\nname: checkout\nteam: pay\nescalationPolicy: pay').resource;
  const plan = planChange(entry('kind: service\nname: checkout\nteam: pay'), {
    ...before,
    warnings: [],
    at: 1,
  });
  expect(plan.action).toBe('change');
  expect(lines(plan)).toEqual(['- escalationPolicy: "pay"']);
  expect(plan.differences.map(differenceText)).toEqual(['escalationPolicy: "pay" → (none)']);
});

test('what a manifest leaves out becomes the default, which is marked as well', () => {
  const before = entry('kind: service\nname: checkout\ntier: 1\ndependsOn: [db]').resource;
  expect(lines(planChange(entry('kind: service\nname: checkout\ntier: 2'), before))).toEqual([
    'tier: 1 → 2',
    '- dependsOn: ["db"] (left out; the default is [])',
  ]);
});

test('a composite has no SLI, and none is spoken of', () => {
  const slo = (indicator: string) =>
    entry(
      `kind: slo\nname: g-avail\nservice: shop\nobjective: 0.99\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }\n${indicator}`,
    );
  const measured = slo('sli: availability\nindicator: { kind: ratio }');
  const composite = slo('indicator: { kind: composite, of: [{ slo: a }, { slo: b }] }');
  const of = 'indicator.of: (none) → [{"slo":"a","weight":1},{"slo":"b","weight":1}]';
  expect(lines(planChange(composite, measured.resource))).toEqual([
    'indicator.kind: "ratio" → "composite"',
    of,
  ]);
  expect(lines(planChange(measured, composite.resource))).toContain('sli: (none) → "availability"');
});

const user = (method: string) =>
  entry(
    `kind: user\nname: ada\ncontactMethods: [{id: hook, kind: webhook, address: "http://127.0.0.1:1/", ${method}}]`,
  );
const SECRET = 'secret: whsec_YW4gZXhhbXBsZSBzaWduaW5nIHNlY3JldA==';

test('a secret is compared by the server alone; "sealed" keeps the stored one, and one left out goes', () => {
  const stored = user('secret: sealed').resource;
  const sent = planChange(user(SECRET), stored);
  expect([sent.action, lines(sent)]).toEqual([
    'send',
    ['contactMethods.0.secret: (write-only; the server compares it)'],
  ]);
  expect(planChange(user('secret: sealed'), stored).action).toBe('unchanged');
  const without = planChange(user('verified: false'), stored);
  expect([without.action, lines(without)]).toEqual(['change', ['- contactMethods.0.secret: "sealed"']]);
  expect(planChange(user(`${SECRET}, verified: true`), stored).action).toBe('change');
});

test('a plan shows no secret, and a label called so is a label', () => {
  expect(lines(planChange(user(SECRET), { name: 'ada', contactMethods: [] })).join('\n')).toMatch(
    /"secret":"\(write-only\)"/,
  );
  const slo = (labels: string) =>
    entry(
      `kind: slo\nname: a\nservice: b\nsli: c\nobjective: 0.9\nindicator: {kind: ratio}\nbudgeting: {method: occurrences}\nwindow: {rolling: 30d}\nlabels: ${labels}`,
    );
  expect(lines(planChange(slo('{secret: b}'), slo('{secret: a}').resource))).toEqual([
    'labels.secret: "a" → "b"',
  ]);
  expect(
    lines(planChange(slo('{app.kubernetes.io/name: b}'), slo('{app.kubernetes.io/name: a}').resource)),
  ).toEqual(['labels.app.kubernetes.io/name: "a" → "b"']);
});

test.each([
  ['numbers', 'preset: google-sre, minBad: 5, minTotal: 10', ['minTotal: 10', 'minBad: 5']],
  [
    'windows',
    'windows: [{severity: page, tier: fast, long: 1h, short: 5m, burn: 9}]',
    ['windows: [{"severity":"page","tier":"fast","long":"1h","short":"5m","burn":9}]'],
  ],
])('%s within a field that are left out are taken away', (_, alerting, gone) => {
  const slo = (given: string) =>
    entry(
      `kind: slo\nname: a\nservice: b\nsli: c\nobjective: 0.9\nindicator: {kind: ratio}\nbudgeting: {method: occurrences}\nwindow: {rolling: 30d}\nalerting: {${given}}`,
    );
  const plan = planChange(slo('preset: google-sre'), slo(alerting).resource);
  expect([plan.action, lines(plan)]).toEqual(['change', gone.map((each) => `- alerting.${each}`)]);
});

test('a default within a field is marked as one, too', () => {
  const slo = (timeZone: string) =>
    entry(
      `kind: slo\nname: a\nservice: b\nsli: c\nobjective: 0.9\nindicator: {kind: ratio}\nbudgeting: {method: occurrences}\nwindow: {calendar: month${timeZone}}`,
    );
  expect(lines(planChange(slo(''), slo(', timeZone: Europe/Berlin').resource))).toEqual([
    '- window.timeZone: "Europe/Berlin" (left out; the default is "UTC")',
  ]);
  expect(lines(planChange(slo(', timeZone: UTC'), slo(', timeZone: Europe/Berlin').resource))).toEqual([
    'window.timeZone: "Europe/Berlin" → "UTC"',
  ]);
});

test('a method that its receiver ended is in use again when the manifest does not say that it is not', () => {
  const stored = user('verified: true, disabled: true').resource;
  expect(lines(planChange(user('verified: true'), stored))).toEqual(['- contactMethods.0.disabled: true']);
});
