import { describe, expect, test } from '@jest/globals';
import { unpagedWarnings } from './escalation.js';
import { foreseenRefusals, foreseenWarnings } from './foreseen.js';
import { Known } from './known.js';
import { parseManifest } from './manifest.js';
import { planChange } from './plan.js';

const NOW = new Date('2026-11-22T10:00:00Z');

/** A server that has these resources, by the path of each. */
function server(resources: Record<string, object>) {
  return {
    find: async (path: string) => resources[path] as Record<string, unknown> | undefined,
    list: async (path: string) =>
      Object.entries(resources)
        .filter(([each]) => each.startsWith(`${path}/`))
        .map(([, resource]) => resource as Record<string, unknown>),
  };
}

/** What is foreseen of manifests: `kind name: warning`. With `resources`, a server is asked. */
async function foreseen(yaml: string, resources?: Record<string, object>): Promise<string[]> {
  const { entries, faults } = parseManifest('a.yaml', yaml);
  expect(faults).toEqual([]);
  const known = new Known(entries, resources && server(resources));
  const found: string[] = [];
  for (const entry of entries) {
    const plan = planChange(entry, resources?.[entry.path] as Record<string, unknown> | undefined);
    for (const warning of await foreseenWarnings(plan, known, NOW))
      found.push(`${entry.kind} ${entry.name}: ${warning}`);
  }
  return found;
}

/** What is foreseen to be refused: `kind name: field fault`. */
async function refused(yaml: string, resources?: Record<string, object>): Promise<string[]> {
  const { entries, faults } = parseManifest('a.yaml', yaml);
  expect(faults).toEqual([]);
  const known = new Known(entries, resources && server(resources));
  const found: string[] = [];
  for (const entry of entries) {
    const plan = planChange(entry, resources?.[entry.path] as Record<string, unknown> | undefined);
    for (const { path, message } of await foreseenRefusals(plan, known))
      found.push(`${entry.kind} ${entry.name}: ${path} ${message}`);
  }
  return found;
}

const slo = (rest = '', name = 'a') =>
  `kind: slo\nname: ${name}\nservice: shop\nsli: latency\nobjective: 0.999\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }\n${rest || 'indicator: { kind: ratio }'}\n`;

describe('what is named and not there', () => {
  const policy =
    'kind: policy\nname: pay\nsteps: [{ targets: [{ kind: schedule, name: nosuch }, { kind: user, name: ada }], timeoutMinutes: 5 }]\n';

  test('is not in the manifests, where no server is asked', async () => {
    expect(await foreseen(`${policy}---\nkind: service\nname: shop\ndependsOn: [db]\n---\n${slo()}`)).toEqual(
      [
        'policy pay: schedule nosuch is not in these manifests',
        'policy pay: user ada is not in these manifests',
        'service shop: dependsOn: service db is not in these manifests',
        'slo a: sli: shop/latency is not in these manifests',
      ],
    );
  });

  test('is nowhere, where a server is asked', async () => {
    expect(await foreseen(policy, { '/v1/users/ada': {} })).toEqual([
      'policy pay: schedule nosuch is not defined yet',
    ]);
    expect(
      await foreseen(
        'kind: freeze\nname: f\nreason: r\nservices: [shop, db]\nfrom: 2026-12-01T00:00:00Z\nto: 2026-12-02T00:00:00Z\n',
        { '/v1/services/shop': {} },
      ),
    ).toEqual(['freeze f: services.1: db is not defined yet']);
  });
});

test('a person who cannot be reached', async () => {
  expect(
    await foreseen(
      'kind: user\nname: ada\ncontactMethods: [{ id: hook, kind: webhook, address: "http://127.0.0.1:1/", secret: sealed }]\n',
    ),
  ).toEqual([
    'user ada: contact method hook is not verified and is not used',
    'user ada: ada cannot be reached: there is no verified contact method',
  ]);
});

describe('a secret', () => {
  const ada = (secret: string) =>
    `kind: user\nname: ada\ncontactMethods: [{ id: hook, kind: webhook, address: "http://127.0.0.1:1/", verified: true, secret: ${secret} }]\n`;
  const stored = (secret?: string) => ({
    '/v1/users/ada': { name: 'ada', contactMethods: [{ id: 'hook', ...(secret && { secret }) }] },
  });
  const pay =
    'kind: policy\nname: pay\nsteps: [{ timeoutMinutes: 5, targets: [{ kind: webhook, address: "http://127.0.0.1:1/", secret: sealed }] }]\n';

  test('that is to stay as it is must be there', async () => {
    const none = 'no secret is stored that could be kept';
    expect(await refused(ada('sealed'), {})).toEqual([`user ada: contactMethods.0.secret ${none}`]);
    expect(await refused(ada('sealed'), stored())).toEqual([`user ada: contactMethods.0.secret ${none}`]);
    expect(await refused(ada('sealed'), stored('sealed'))).toEqual([]);
    expect(await refused(pay, {})).toEqual([`policy pay: steps.0.targets.0.secret ${none}`]);
    // What is stored only a server knows.
    expect(await refused(`${ada('sealed')}---\n${pay}`)).toEqual([]);
  });

  test('that can be guessed is warned of', async () => {
    expect(await foreseen(ada('whsec_dGVzdA=='))).toEqual([
      expect.stringMatching(/^user ada: contactMethods[.]0[.]secret has 4 bytes, which can be guessed/),
    ]);
  });
});

test('hours in which nobody is on call, unless overrides may fill them', async () => {
  const schedule =
    'kind: schedule\nname: pay\ntimeZone: UTC\nlayers: [{ name: day, rotation: { type: daily, start: "2026-11-02T09:00", participants: [ada] }, restrictions: [{ days: [mon], from: "09:00", to: "17:00" }] }]\n';
  const users = { '/v1/users/ada': {} };
  expect(await foreseen(schedule, users)).toEqual([
    'schedule pay: nobody is on call from 2026-11-22T10:00:00.000Z to 2026-11-23T09:00:00.000Z, and 2 times more in the days after',
  ]);
  expect(await foreseen(schedule, { ...users, '/v1/schedules/pay/overrides': { items: [{}] } })).toEqual([]);
});

describe('an SLO', () => {
  const shop = { '/v1/services/shop': {}, '/v1/slis/shop/latency': { unit: 's' } };

  test('whose alerts can never fire', async () => {
    expect(await foreseen(slo().replace('0.999', '0.9'), { ...shop, '/v1/slis/shop/latency': {} })).toEqual([
      expect.stringMatching(/^slo a: alerting: page fast is left out/),
    ]);
  });

  test('that the unit of its SLI does not fit, in the manifests or on the server', async () => {
    const bytes = 'indicator: { kind: threshold, op: lte, value: 1, unit: bytes }';
    const fault = 'slo a: indicator.unit is "bytes", but the SLI is measured in "s"';
    expect(await refused(slo(bytes), shop)).toEqual([fault]);
    const sli = 'kind: sli\nservice: shop\nname: latency\nunit: s\n---\n';
    expect(await refused(`${sli}---\n${slo(bytes)}`)).toEqual([fault]);
    // What the manifests make of the SLI counts, not what it is.
    expect(await refused(`${sli.replace('unit: s', 'unit: bytes')}---\n${slo(bytes)}`, shop)).toEqual([]);
    expect(await refused(slo(), shop)).toEqual([]);
    expect(await foreseen(slo(), shop)).toEqual([
      expect.stringMatching(/measured in "s", and a ratio counts/),
    ]);
  });

  const changed = (unit: string) =>
    expect.stringMatching(`^sli shop/latency: unit: was "s", and nothing is converted: .* in "${unit}" now`);

  test('whose SLI has a unit that is spelled otherwise', async () => {
    expect(await foreseen('kind: sli\nservice: shop\nname: latency\nunit: seconds\n', shop)).toEqual([
      changed('seconds'),
      'sli shop/latency: unit: "seconds" is taken as it is written and never converted; "s" would be',
    ]);
  });

  test('of the server that a new unit does not fit', async () => {
    const [entry] = parseManifest(
      'a.yaml',
      slo('indicator: { kind: threshold, op: lte, value: 1, unit: s }'),
    ).entries;
    const sli = { service: 'shop', name: 'latency', description: '', unit: 's' };
    expect(
      await foreseen('kind: sli\nservice: shop\nname: latency\nunit: bytes\n', {
        '/v1/services/shop': {},
        '/v1/slis/shop/latency': sli,
        '/v1/slos/a': entry?.resource as object,
      }),
    ).toEqual([
      changed('bytes'),
      'sli shop/latency: unit: SLO a does not fit it: is "s", but the SLI is measured in "bytes"',
    ]);
  });

  test('that is made of others', async () => {
    const journey =
      'kind: slo\nname: journey\nservice: shop\nobjective: 0.99\nindicator: { kind: composite, of: [{ slo: a }, { slo: b }] }\nbudgeting: { method: occurrences }\nwindow: { rolling: 30d }\n';
    const [a] = parseManifest('a.yaml', slo().replace('occurrences', 'ratio-timeslices')).entries;
    expect(await foreseen(journey, { ...shop, '/v1/slos/a': a?.resource as object })).toEqual([
      'slo journey: indicator.of.1.slo: SLO b is not defined yet',
      'slo journey: indicator.of.0.slo: a counts slices of time: each of them is one event',
    ]);
  });
});

test('a rule and golden signals that the unit of their SLI does not fit', async () => {
  const shop = { '/v1/slis/shop/latency': { service: 'shop', name: 'latency', unit: 'bytes' } };
  const rule =
    'kind: rule\nname: slow\nservice: shop\nsli: latency\naggregate: p95\nwindow: 5m\nop: gt\nthreshold: 1\nunit: s\nseverity: ticket\nsummary: slow\nrunbookUrl: https://example.org/slow\n';
  expect(await refused(rule, shop)).toEqual([expect.stringMatching(/^rule slow: unit .*"bytes"/)]);
  const service = 'kind: service\nname: shop\ngoldenSignals: { latency: { threshold: 1, unit: s } }\n';
  expect(await refused(service, shop)).toEqual([
    expect.stringMatching(/^service shop: goldenSignals\.latency\.unit .*"bytes"/),
  ]);
  // Which SLIs a service has by then only a server knows.
  expect(await refused(service)).toEqual([]);
});

describe('incidents that page nobody', () => {
  async function unpaged(yaml: string, resources?: Record<string, object>, hasFallback = false) {
    const { entries } = parseManifest('a.yaml', yaml);
    const known = new Known(entries, resources && server(resources));
    const found = await unpagedWarnings(entries, known, { defaultPolicy: 'default', hasFallback });
    return [...found].map(([{ name }, warning]) => `${name}: ${warning}`);
  }
  const service = 'kind: service\nname: shop\n';
  const nobody =
    'a: nobody but a fallback target is paged for it: neither it nor service shop names an escalationPolicy';

  test('are told of once for each service', async () => {
    expect(await unpaged(`${service}---\n${slo()}---\n${slo('', 'b')}`)).toEqual([
      `${nobody}, and there is no policy "default" in these manifests (likewise slo b)`,
    ]);
    expect(await unpaged(slo(), { '/v1/services/shop': {} })).toEqual([
      `${nobody}, and there is no policy "default"`,
    ]);
  });

  test.each([
    ['its own policy', `${service}---\n${slo('escalationPolicy: pay\nindicator: { kind: ratio }')}`, {}],
    ["its service's", `${service}escalationPolicy: pay\n---\n${slo()}`, {}],
    ["its service's on the server", slo(), { '/v1/services/shop': { escalationPolicy: 'pay' } }],
    ["the installation's", `${service}---\n${slo()}`, { '/v1/policies/default': {} }],
    [
      'no incidents',
      `${service}---\n${slo('declare: { page: null, ticket: null }\nindicator: { kind: ratio }')}`,
      {},
    ],
    ['no alerts', `${service}---\n${slo('alerting: { preset: none }\nindicator: { kind: ratio }')}`, {}],
    ['a service that only a server can know', slo(), undefined],
  ])('are not what an SLO has with %s', async (_, yaml, resources) => {
    expect(await unpaged(yaml, resources)).toEqual([]);
  });

  test('are paged to the fallback target, where this program knows of one', async () => {
    expect(await unpaged(`${service}---\n${slo()}`, {}, true)).toEqual([]);
  });
});
