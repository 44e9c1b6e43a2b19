import { pathToFileURL } from 'node:url';
import { nearestNames } from '@bellwether/contracts';
import { ConfigError, loadConfig, serviceConfig } from '@bellwether/service/config';
import type { ServiceDefinition } from './services.js';

/** What a local run gives its services whatever the environment says; `settingsFrom` reads what is said of them. */
const given = new Set([
  'DATABASE_URL',
  'NATS_URL',
  'BELLWETHER_TOKEN',
  'BELLWETHER_SECRET_KEY',
  'BELLWETHER_API_PORT',
  'BELLWETHER_INGEST_PORT',
  'BELLWETHER_ADMIN_PORT',
]);

/**
 * What is wrong with the variables that the services read for themselves, a line each: so that it is known before
 * anything runs, and not from one service after another when Postgres is up. Values are not repeated.
 */
export async function serviceProblems(
  services: readonly ServiceDefinition[],
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const schemas = await Promise.all(services.map(configOf));
  const problems = schemas.flatMap((schema) => problemsOf(schema, env));
  return [...new Set(problems)];
}

/** Variables with our name that others than the services read: this program, the command line, images, tests. */
const OTHERS =
  /^BELLWETHER_(DATA_DIR|STATE_DIR|API_PORT|INGEST_PORT|NATS_PORT|POSTGRES_PORT|URL|INGEST_URL|DATABASE_PASSWORD|NATS_[A-Z]+_PASSWORD|CHROMIUM|DATA_SETS|CHAOS_SEED|PUBLISH|TEST_[A-Z_]+)$/;
/** Those of them that a slip of the pen may have meant. */
const SETTINGS = ['DATA_DIR', 'STATE_DIR', 'NATS_PORT', 'POSTGRES_PORT', 'URL', 'INGEST_URL'].map(
  (name) => `BELLWETHER_${name}`,
);

/** Variables that look like ours and that nobody reads, a line each: they are ignored. */
export async function unknownVariables(
  services: readonly ServiceDefinition[],
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const schemas = await Promise.all(services.map(configOf));
  const known = [
    ...new Set([...SETTINGS, ...[serviceConfig, ...schemas].flatMap(({ shape }) => Object.keys(shape))]),
  ];
  return Object.keys(env)
    .filter((name) => /^BELLWETHER_/i.test(name) && !known.includes(name) && !OTHERS.test(name))
    .sort()
    .map((name) => {
      const [near] = nearestNames(
        name,
        known.map((each) => each.toLowerCase()),
        1,
      );
      const meant = near === undefined ? '' : `; did you mean ${near.toUpperCase()}?`;
      return `${name} is not known, and is ignored${meant}`;
    });
}

async function configOf({ config }: ServiceDefinition): Promise<typeof serviceConfig> {
  if (!config) return serviceConfig;
  const module = (await import(pathToFileURL(config.file).href)) as Record<string, typeof serviceConfig>;
  const schema = module[config.name];
  if (!schema) throw new Error(`${config.file} exports no ${config.name}`);
  return schema;
}

function problemsOf(schema: typeof serviceConfig, env: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(schema, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems
      .filter(({ variable }) => !given.has(variable))
      .map(
        ({ variable, message, remedy }) => `${variable} ${message}${remedy ? `. Expected: ${remedy}` : ''}`,
      );
  }
}
