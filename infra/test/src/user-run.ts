import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkout, freePort, type LocalSystem } from '@bellwether/local';

interface Record {
  services: { [name: string]: { pid: number } };
  databaseUrl: string;
}

/**
 * `npm start`, as a user has it: a process of its own, found by its ready line and stopped by Ctrl-C (SIGINT).
 * @param env over the environment of the test
 */
export async function startAsUser(
  dataDir: string,
  env: { [name: string]: string },
  log: (line: string) => void,
): Promise<LocalSystem> {
  const [api, ingest, nats] = [await freePort(), await freePort(), await freePort()];
  const child = spawn('npm', ['start', '--silent'], {
    cwd: checkout,
    // A process group, as a terminal makes one: Ctrl-C goes to all of it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      BELLWETHER_DATA_DIR: dataDir,
      BELLWETHER_API_PORT: String(api),
      BELLWETHER_INGEST_PORT: String(ingest),
      BELLWETHER_NATS_PORT: String(nats),
      ...env,
    },
  });
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code)),
  );
  const apiUrl = await new Promise<string>((resolve, reject) => {
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        const lines = `${text}${chunk}`.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) {
          log(line);
          const ready = /^bellwether ready: (http:\S+)$/.exec(line)?.[1];
          if (ready) resolve(ready);
        }
      });
    }
    void ended.then((code) => reject(new Error(`npm start ended with ${code} before it was ready`)));
  });
  const read = (file: string) => readFileSync(path.join(dataDir, file), 'utf8').trim();
  const record = () => JSON.parse(read('run.json')) as Record;
  const database = new URL(record().databaseUrl);
  database.password = read('postgres-password');
  return {
    apiUrl,
    ingestUrl: `http://127.0.0.1:${ingest}`,
    natsUrl: (user = 'publisher') => `nats://${user}:${encodeURIComponent(read('token'))}@127.0.0.1:${nats}`,
    databaseUrl: database.toString(),
    token: read('token'),
    services: () => {
      throw new Error('a user does not see the states of processes');
    },
    kill: (name, signal = 'SIGKILL') => {
      const service = record().services[name];
      if (!service) throw new Error(`there is no ${name} in this run`);
      return process.kill(service.pid, signal);
    },
    stop: async () => {
      process.kill(-(child.pid as number), 'SIGINT');
      const code = await ended;
      // npm itself ends by the signal; what it started has stopped in order by then.
      if (code !== 0 && code !== 'SIGINT') throw new Error(`npm start ended with ${code} after Ctrl-C`);
    },
  };
}
