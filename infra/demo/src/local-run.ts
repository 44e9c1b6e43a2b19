import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The checkout's folder. */
export const ROOT = path.resolve(import.meta.dirname, '../../..');

/** The running Bellwether that the demo works with. */
export interface LocalRun {
  apiUrl: string;
  /** NATS, for those who publish measurements and for those who follow events. */
  publisherUrl: string;
  subscriberUrl: string;
  token: string;
  /** Stops it, when the demo started it. */
  stop(): Promise<void>;
}

const dataDir = (): string => process.env.BELLWETHER_DATA_DIR ?? path.join(ROOT, '.bellwether');

/** Finds the running Bellwether of this checkout, or starts one and waits for its ready line. */
export async function findOrStart(say: (line: string) => void): Promise<LocalRun> {
  const running = await find();
  if (running) return { ...running, stop: async () => {} };
  say('Bellwether is not running yet: starting it (npm start) …');
  const child = spawn(process.execPath, [path.join(ROOT, 'infra/local/bin/start.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  await new Promise<void>((resolve, reject) => {
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => {
      seen = (seen + chunk.toString()).slice(-4096);
      if (seen.includes('bellwether ready:')) resolve();
    });
    child.once('exit', (code) =>
      reject(new Error(`npm start ended with code ${code}; run it on its own to see why`)),
    );
  });
  child.removeAllListeners('exit');
  const started = await find();
  if (!started) throw new Error('Bellwether says that it is ready, but does not answer');
  return {
    ...started,
    stop: async () => {
      if (hasEnded(child)) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Whether a process has ended already: it says so only once, and who asks later would wait for ever. */
export const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

async function find(): Promise<Omit<LocalRun, 'stop'> | undefined> {
  const file = path.join(dataDir(), 'run.json');
  if (!existsSync(file)) return undefined;
  const { apiUrl, natsUrl } = JSON.parse(readFileSync(file, 'utf8')) as { apiUrl: string; natsUrl: string };
  const token = process.env.BELLWETHER_TOKEN ?? readFileSync(path.join(dataDir(), 'token'), 'utf8').trim();
  try {
    const { ok } = await fetch(`${apiUrl}/readyz`);
    if (!ok) return undefined;
  } catch {
    return undefined;
  }
  const as = (user: string): string => {
    const url = new URL(natsUrl);
    url.username = user;
    url.password = token;
    return url.toString();
  };
  return { apiUrl, token, publisherUrl: as('publisher'), subscriberUrl: as('subscriber') };
}

/** Where `npm run demo -- break` finds the running demo. */
export const stateFile = (): string => path.join(dataDir(), 'demo.json');

/** The process of a demo that runs with this Bellwether already; undefined where none does. */
export function runningDemo(): number | undefined {
  try {
    const { pid } = JSON.parse(readFileSync(stateFile(), 'utf8')) as { pid: number };
    // A demo that was killed leaves its file behind.
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}
