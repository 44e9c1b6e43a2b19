import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** How answers are printed. */
export type OutputFormat = 'table' | 'json' | 'yaml' | 'csv' | 'md';

/** Where the servers are and who asks. Flags win over the environment, the environment over a local run's folder. */
export interface Context {
  apiUrl: string;
  ingestUrl: string;
  token: string | undefined;
  /** Where a local run keeps its admin token: of its data folder, where there is one. */
  tokenFile: string;
  /** Why the token of the local run is not known, though there is one: the file may not be read. */
  unreadableToken?: string;
  output: OutputFormat;
  /** Postgres of the log, for `log verify`. */
  databaseUrl: string | undefined;
  /** Who is paged where no policy is named, as far as the environment of this program says so. */
  installation: InstallationTargets;
}

export interface InstallationTargets {
  /** Name of the policy for what no other covers; it need not exist. */
  defaultPolicy: string;
  /** Whether somebody is paged when there is no policy. */
  hasFallback: boolean;
}

export interface GlobalOptions {
  url?: string;
  ingestUrl?: string;
  token?: string;
  output?: string;
  databaseUrl?: string;
  dataDir?: string;
}

/** What a local run leaves in its data folder for tools on the same machine. */
interface LocalRun {
  apiUrl?: string;
  ingestUrl?: string;
  databaseUrl?: string;
}

/** Resolves flags, environment and the data folder of a local run in or above `cwd`. */
export function resolveContext(
  options: GlobalOptions,
  env: NodeJS.ProcessEnv = process.env,
  cwd = process.cwd(),
): Context {
  const given = withoutEmpty(env);
  const dataDir = options.dataDir ?? given.BELLWETHER_DATA_DIR ?? findDataDir(cwd);
  const local = dataDir ? readLocalRun(dataDir) : {};
  const token = options.token ?? given.BELLWETHER_TOKEN;
  const ofRun = dataDir === undefined ? undefined : path.join(dataDir, 'token');
  const tokenFile = token === undefined ? ofRun : undefined;
  return {
    apiUrl: stripSlash(
      options.url ??
        given.BELLWETHER_URL ??
        local.apiUrl ??
        `http://127.0.0.1:${given.BELLWETHER_API_PORT ?? 8080}`,
    ),
    ingestUrl: stripSlash(
      options.ingestUrl ??
        given.BELLWETHER_INGEST_URL ??
        local.ingestUrl ??
        `http://127.0.0.1:${given.BELLWETHER_INGEST_PORT ?? 8081}`,
    ),
    tokenFile: ofRun ?? '.bellwether/token',
    token: token ?? (tokenFile === undefined ? undefined : readText(tokenFile)),
    ...(tokenFile !== undefined && isForbidden(tokenFile) && { unreadableToken: forbidden(tokenFile) }),
    output: (options.output ?? 'table') as OutputFormat,
    databaseUrl: options.databaseUrl ?? given.DATABASE_URL ?? localDatabase(dataDir, local.databaseUrl),
    installation: {
      defaultPolicy: given.BELLWETHER_DEFAULT_POLICY ?? 'default',
      hasFallback: Boolean(given.BELLWETHER_FALLBACK_TARGET),
    },
  };
}

/** A variable that is set to nothing is as one that is not set: pipelines and compose files leave them so. */
const withoutEmpty = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));

function findDataDir(from: string): string | undefined {
  for (let dir = from; ; dir = path.dirname(dir)) {
    const candidate = path.join(dir, '.bellwether');
    if (existsSync(candidate)) return candidate;
    if (dir === path.dirname(dir)) return undefined;
  }
}

function readLocalRun(dataDir: string): LocalRun {
  const text = readText(path.join(dataDir, 'run.json'));
  if (!text) return {};
  try {
    return JSON.parse(text) as LocalRun;
  } catch {
    // A run that is just being written: the defaults apply.
    return {};
  }
}

/** Address of the embedded Postgres; its password lies in a file of its own beside the address. */
function localDatabase(dataDir: string | undefined, address: string | undefined): string | undefined {
  if (!dataDir || !address) return undefined;
  const url = new URL(address);
  url.password = readText(path.join(dataDir, 'postgres-password')) ?? '';
  return url.toString();
}

function readText(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Whether the file is there, as far as we may see, and may not be read. */
function isForbidden(file: string): boolean {
  try {
    closeSync(openSync(file, 'r'));
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM';
  }
}

function forbidden(file: string): string {
  const [owner] = [file, path.dirname(file)].flatMap((each) => {
    try {
      return [statSync(each).uid];
    } catch {
      return [];
    }
  });
  const whose = owner === undefined ? '' : ` (it belongs to ${owner === 0 ? 'root' : `uid ${owner}`})`;
  return `you may not read ${file}${whose}: run this as its owner, or set BELLWETHER_TOKEN`;
}

const stripSlash = (url: string) => url.replace(/\/+$/, '');
