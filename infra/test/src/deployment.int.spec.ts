import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { natsAccessConfig } from '@bellwether/bus';
import { checkout, findNatsServer, installedBinaries, portVariables, services } from '@bellwether/local';
import { serviceConfig } from '@bellwether/service';
import { describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { startOwnPostgres } from './index.js';

const text = (file: string) => readFileSync(path.join(checkout, file), 'utf8');

type Environment = Record<string, string | number>;
interface ComposeService {
  image: string;
  command: string[];
  environment?: Environment;
  healthcheck?: { test: string[] };
  ports?: string[];
  profiles?: string[];
}
const compose = (
  parse(text('docker-compose.yml'), { merge: true }) as { services: Record<string, ComposeService> }
).services;

interface Probe {
  httpGet?: { path: string; port: string };
}
interface Variable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string } };
}
interface Container {
  name: string;
  image: string;
  command?: string[];
  ports?: { name: string; containerPort: number }[];
  env?: Variable[];
  envFrom?: { configMapRef: { name: string } }[];
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
}
interface Resource {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  spec?: {
    template?: {
      metadata: { annotations?: Record<string, string> };
      spec: { containers: Container[]; initContainers?: Container[] };
    };
    ports?: { port: number; targetPort: string }[];
  };
}
const kubernetes = ['infra/k8s', 'infra/nats', 'infra/postgres'].flatMap((folder) =>
  readdirSync(path.join(checkout, folder))
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    .flatMap((name) =>
      parseAllDocuments(text(path.join(folder, name))).map((document) => {
        expect(document.errors).toEqual([]);
        return document.toJS() as Resource;
      }),
    ),
);
const resource = (kind: string, name: string): Resource => {
  const found = kubernetes.find((candidate) => candidate.kind === kind && candidate.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
};

const names = services.map(({ name }) => name);
const variables = Object.keys(serviceConfig.shape);
const required = Object.entries(serviceConfig.shape)
  .filter(([, schema]) => !z.safeParse(schema, undefined).success)
  .map(([name]) => name);
const publicPorts: Record<string, number> = {
  api: portVariables.api.default,
  ingest: portVariables.ingest.default,
};
const entry = (name: string) => path.relative(checkout, services.find((s) => s.name === name)?.entry ?? '');
const adminPort = Number(text('infra/docker/Dockerfile').match(/BELLWETHER_ADMIN_PORT=(\d+)/)?.[1]);
const image = 'bellwether';

describe('Dockerfile', () => {
  const dockerfile = text('infra/docker/Dockerfile');

  test('is on the Node that this project pins', () => {
    const { dependencies } = JSON.parse(text('package.json')) as { dependencies: { node: string } };
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
    expect(new Set(images)).toEqual(new Set([`node:${dependencies.node.split('.')[0]}-bookworm-slim`]));
  });

  test('exposes the ports, and sets only variables, that the services know', () => {
    expect(
      dockerfile
        .match(/^EXPOSE (.*)$/m)?.[1]
        ?.split(' ')
        .map(Number),
    ).toEqual([publicPorts.api, publicPorts.ingest, adminPort]);
    for (const [, name] of dockerfile.matchAll(/\b(BELLWETHER_\w+)=/g)) expect(variables).toContain(name);
  });

  test('what it copies is there', () => {
    for (const [, source] of dockerfile.matchAll(/^COPY --from=build [/]bellwether[/](\S+)/gm)) {
      if (source !== 'node_modules')
        expect(readdirSync(path.join(checkout, path.dirname(source ?? '')))).toContain(
          path.basename(source ?? ''),
        );
    }
  });
});

describe('docker-compose.yml', () => {
  test('runs the services of a local run, each by its entry point', () => {
    const others = ['postgres', 'nats', 'migrate', 'prometheus', 'grafana'];
    expect(
      Object.keys(compose)
        .filter((name) => !others.includes(name))
        .sort(),
    ).toEqual([...names].sort());
    for (const name of names) expect(compose[name]?.command).toEqual(['node', entry(name)]);
    const { version } = JSON.parse(text('package.json')) as { version: string };
    for (const name of [...names, 'migrate']) expect(compose[name]?.image).toBe(`${image}:${version}`);
  });

  test.each(names)('%s gets every variable it needs, and none that it does not know', (name) => {
    const environment = compose[name]?.environment ?? {};
    expect(Object.keys(environment)).toEqual(expect.arrayContaining(required));
    for (const variable of Object.keys(environment)) expect(variables).toContain(variable);
    expect(environment.BELLWETHER_ADMIN_PORT).toBe(adminPort);
    expect(compose[name]?.healthcheck?.test.join(' ')).toContain(`127.0.0.1:${adminPort}/readyz`);
  });

  test('publishes on loopback the ports that the services listen on', () => {
    for (const [name, port] of [...Object.entries(publicPorts), ['nats', 4222] as const]) {
      expect(compose[name]?.ports).toEqual([`127.0.0.1:${port}:${port}`]);
    }
    expect(compose.api?.environment?.BELLWETHER_API_PORT).toBe(publicPorts.api);
    expect(compose.ingest?.environment?.BELLWETHER_INGEST_PORT).toBe(publicPorts.ingest);
  });

  test('starts what watches it only when asked, for who is on the machine', () => {
    for (const name of ['prometheus', 'grafana']) {
      expect(compose[name]).toMatchObject({
        profiles: ['monitoring'],
        ports: [expect.stringMatching(/^127\.0\.0\.1:/)],
      });
    }
  });

  test('holds no password: each comes from outside and has to be given', () => {
    const secrets = [
      ...text('docker-compose.yml').matchAll(/[$][{](\w*(?:PASSWORD|TOKEN|SECRET_KEY))([^}]*)[}]/g),
    ];
    expect(secrets.length).toBeGreaterThan(5);
    for (const [, , rest] of secrets) expect(rest).toMatch(/^:[?]/);
  });
});

describe('Kubernetes', () => {
  const kustomization = parse(text('infra/k8s/kustomization.yaml')) as { resources: string[] };

  test('every file is applied, but the example of the secret', () => {
    const files = readdirSync(path.join(checkout, 'infra/k8s')).filter((name) => name.endsWith('.yaml'));
    const applied = kustomization.resources.filter((name) => !name.startsWith('..'));
    expect([...applied, 'kustomization.yaml', 'secret.example.yaml'].sort()).toEqual(files.sort());
  });

  test.each(names)('%s: image, command, ports, probes and variables are those of the code', (name) => {
    const { template } = resource('Deployment', name).spec ?? {};
    const [container] = template?.spec.containers ?? [];
    expect(container).toMatchObject({ name, image, command: ['node', entry(name)] });
    expect(template?.spec.initContainers?.[0]).toMatchObject({
      image,
      command: ['node', 'infra/local/dist/migrate.js'],
    });

    const ports = Object.fromEntries((container?.ports ?? []).map((port) => [port.name, port.containerPort]));
    const http = publicPorts[name];
    expect(ports).toEqual({ admin: adminPort, ...(http === undefined ? {} : { http }) });
    if (http !== undefined) {
      expect(resource('Service', name).spec?.ports).toMatchObject([{ port: http, targetPort: 'http' }]);
    }
    expect(container?.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'admin' });
    expect(container?.livenessProbe?.httpGet).toEqual({ path: '/healthz', port: 'admin' });
    expect(container?.startupProbe?.httpGet).toEqual({ path: '/healthz', port: 'admin' });
    expect(template?.metadata.annotations?.['prometheus.io/port']).toBe(String(adminPort));

    const config = resource('ConfigMap', 'bellwether').data ?? {};
    const secret = resource('Secret', 'bellwether').stringData ?? {};
    expect(container?.envFrom).toEqual([{ configMapRef: { name: 'bellwether' } }]);
    const given = [...Object.keys(config), ...(container?.env ?? []).map((variable) => variable.name)];
    expect(given).toEqual(expect.arrayContaining(required));
    for (const variable of given) expect(variables).toContain(variable);
    for (const { valueFrom } of container?.env ?? []) {
      expect(Object.keys(secret)).toContain(valueFrom?.secretKeyRef.key);
    }
    expect(config).toMatchObject({
      BELLWETHER_ADMIN_PORT: String(adminPort),
      BELLWETHER_API_PORT: String(publicPorts.api),
      BELLWETHER_INGEST_PORT: String(publicPorts.ingest),
    });
  });

  test('Postgres and NATS are the same images, with the same configuration, as in compose', () => {
    for (const name of ['postgres', 'nats']) {
      const [container] = resource('StatefulSet', name).spec?.template?.spec.containers ?? [];
      expect(container?.image).toBe(compose[name]?.image);
      const secret = resource('Secret', 'bellwether').stringData ?? {};
      for (const { valueFrom } of (container?.env ?? []).filter((variable) => variable.valueFrom)) {
        expect(Object.keys(secret)).toContain(valueFrom?.secretKeyRef.key);
      }
      expect((container?.env ?? []).map((variable) => variable.name).sort()).toEqual(
        Object.keys(compose[name]?.environment ?? {}).sort(),
      );
    }
    expect(compose.postgres?.image).toBe(`postgres:${installedBinaries().version.split('.')[0]}`);
  });

  test('the example of the secret holds none', () => {
    for (const value of Object.values(resource('Secret', 'bellwether').stringData ?? {})) {
      expect(value).toMatch(/<[^>]+>/);
    }
  });
});

describe('configuration files', () => {
  const password = (env: string) => ({ env });

  test('infra/nats/access.conf is what the bus library says', () => {
    const [, ...lines] = text('infra/nats/access.conf').split('\n');
    const written = natsAccessConfig({
      services: { user: 'services', password: password('BELLWETHER_NATS_SERVICES_PASSWORD') },
      publisher: { user: 'publisher', password: password('BELLWETHER_NATS_PUBLISHER_PASSWORD') },
      subscriber: { user: 'subscriber', password: password('BELLWETHER_NATS_SUBSCRIBER_PASSWORD') },
    });
    expect(lines.join('\n')).toBe(written);
  });

  test('nats-server accepts infra/nats/server.conf, with passwords, and not without', () => {
    const accepts = (env: Record<string, string>) =>
      spawnSync(findNatsServer() ?? '', ['-t', '-c', path.join(checkout, 'infra/nats/server.conf')], { env })
        .status;
    const env = Object.fromEntries(
      Object.keys(compose.nats?.environment ?? {}).map((name) => [name, `password-of-${name}`]),
    );
    expect(accepts(env)).toBe(0);
    expect(accepts({})).not.toBe(0);
    expect(text('infra/nats/server.conf')).toContain(`listen: "0.0.0.0:${portVariables.nats.default}"`);
    expect(resource('Service', 'nats').spec?.ports).toMatchObject([{ port: portVariables.nats.default }]);
  });

  test('PostgreSQL starts with infra/postgres/postgresql.conf and takes each of its settings', async () => {
    const settings = Object.fromEntries(
      [...text('infra/postgres/postgresql.conf').matchAll(/^(\w+) = '?([^'\n]*)'?$/gm)].map((match) => [
        match[1] as string,
        match[2] as string,
      ]),
    );
    const { listen_addresses: everywhere, ...others } = settings;
    expect(everywhere).toBe('*');
    const server = await startOwnPostgres({ settings: others });
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    const { rows } = await client.query<{ name: string; value: string }>(
      'select name, current_setting(name) as value from unnest($1::text[]) name',
      [Object.keys(others)],
    );
    expect(Object.fromEntries(rows.map(({ name, value }) => [name, value]))).toEqual(others);
    await client.end();
    await server.stop();
  }, 60_000);
});
