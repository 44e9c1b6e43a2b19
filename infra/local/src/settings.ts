import path from 'node:path';
import { StartError } from './start-error.js';

/** What a local run is told from outside. */
export interface Settings {
  dataDir: string;
  /** Root's place for a database that the data folder cannot hold; see `postgresPlace`. */
  stateDir: string;
  ports: Ports;
  /** Use this Postgres instead of the embedded one. */
  databaseUrl: string | undefined;
  /** Use this NATS instead of the embedded one. */
  natsUrl: string | undefined;
  token: string | undefined;
  secretKey: string | undefined;
}

/** TCP ports on loopback; 0 is any that is free. */
export interface Ports {
  api: number;
  ingest: number;
  nats: number;
  postgres: number;
}

/** The variable that sets each port, and its default. */
export const portVariables = {
  api: { variable: 'BELLWETHER_API_PORT', default: 8080 },
  ingest: { variable: 'BELLWETHER_INGEST_PORT', default: 8081 },
  nats: { variable: 'BELLWETHER_NATS_PORT', default: 4222 },
  postgres: { variable: 'BELLWETHER_POSTGRES_PORT', default: 0 },
} as const satisfies Record<keyof Ports, { variable: string; default: number }>;

/** The checkout that this package lies in. */
export const checkout = path.resolve(import.meta.dirname, '../../..');

/**
 * Reads the settings; all that is wrong is said at once, each with its variable's name.
 * @param others what is wrong with variables that are read elsewhere, to be said with it
 */
export function settingsFrom(env: NodeJS.ProcessEnv, others: readonly string[] = []): Settings {
  const problems: string[] = [];
  const port = (name: keyof Ports): number => {
    const { variable, default: fallback } = portVariables[name];
    const text = env[variable]?.trim();
    if (!text) return fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value <= 65_535) return value;
    problems.push(`${variable} is "${text}", but must be a port number (0 to 65535; 0 takes any free port)`);
    return fallback;
  };
  const url = (variable: string, protocols: RegExp, example: string): string | undefined => {
    const text = env[variable]?.trim();
    if (!text) return undefined;
    // The value itself is not repeated: it may hold a password.
    if (!protocols.test(text) || !URL.canParse(text))
      problems.push(`${variable} must be a URL like ${example}`);
    return text;
  };
  const settings: Settings = {
    dataDir: path.resolve(checkout, env.BELLWETHER_DATA_DIR?.trim() || '.bellwether'),
    stateDir: path.resolve(env.BELLWETHER_STATE_DIR?.trim() || '/var/lib/bellwether'),
    ports: { api: port('api'), ingest: port('ingest'), nats: port('nats'), postgres: port('postgres') },
    databaseUrl: url('DATABASE_URL', /^postgres(ql)?:/, 'postgresql://user:password@host:5432/database'),
    natsUrl: url('NATS_URL', /^(nats|tls|wss?):/, 'nats://user:password@host:4222'),
    token: env.BELLWETHER_TOKEN?.trim() || undefined,
    secretKey: env.BELLWETHER_SECRET_KEY?.trim() || undefined,
  };
  // It is also a password of NATS, where text with this beginning is taken for a hash.
  if (settings.token !== undefined && !/^(?![$]2a[$])[\x21-\x7e]{8,}$/.test(settings.token)) {
    problems.push('BELLWETHER_TOKEN must be 8 or more printable ASCII characters, and not begin with "$2a$"');
  }
  if (settings.secretKey !== undefined && !/^[A-Za-z0-9+/]{43}=$/.test(settings.secretKey)) {
    problems.push('BELLWETHER_SECRET_KEY must be 32 bytes in base64');
  }
  const chosen = Object.entries(settings.ports).filter(([, value]) => value !== 0);
  for (const [index, [name, value]] of chosen.entries()) {
    const same = chosen.slice(0, index).find(([, other]) => other === value)?.[0];
    if (!same) continue;
    const [one, two] = [portVariables[same as keyof Ports], portVariables[name as keyof Ports]];
    problems.push(`${one.variable} and ${two.variable} are both ${value}`);
  }
  problems.push(...others);
  if (problems.length > 0) throw new StartError(problems.join('\n'));
  return settings;
}
