import { pathToFileURL } from 'node:url';
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
