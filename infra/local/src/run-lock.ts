import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { DataFolder } from './data-folder.js';
import { within } from './deadline.js';
import { identify, isRunning, type ProcessIdentity } from './process-identity.js';
import { StartError } from './start-error.js';

/** What a run writes down about itself, for the next one and for other programs. No secrets. */
export interface RunRecord {
  supervisor: ProcessIdentity;
  guard: ProcessIdentity | null;
  services: Record<string, ProcessIdentity>;
  apiUrl: string;
  ingestUrl: string;
  natsUrl: string;
  /** The embedded Postgres, without its password (that is in `postgres-password`); absent where there is none. */
  databaseUrl?: string;
}

/** At most one run on a data folder. A run that was killed does not keep it. */
export class RunLock {
  #record: RunRecord;

  private constructor(
    readonly file: string,
    record: RunRecord,
  ) {
    this.#record = record;
  }

  /**
   * Takes the folder, waiting for what a killed run left to end. Refused, with what to do, when another run has it.
   */
  static async take(
    folder: DataFolder,
    urls: Pick<RunRecord, 'apiUrl' | 'ingestUrl' | 'natsUrl'>,
  ): Promise<{ lock: RunLock; afterCrash: boolean }> {
    const supervisor = identify(process.pid);
    if (!supervisor) throw new Error('the start time of this process cannot be read');
    const lock = new RunLock(folder.file('run.json'), { supervisor, guard: null, services: {}, ...urls });
    const own = randomBytes(6).toString('hex');
    const draft = `${lock.file}.${own}`;
    writeFileSync(draft, lock.#text(), { mode: 0o600 });
    let afterCrash = false;
    try {
      for (;;) {
        try {
          linkSync(draft, lock.file); // atomic, and fails when the lock exists
          return { lock, afterCrash };
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const other = read(lock.file);
        if (other && isRunning(other.supervisor)) throw alreadyRunning(folder, other);
        afterCrash = true;
        if (other) await endLeftovers(other);
        // Moved away rather than removed: of two starts that see the same stale lock, one finds it gone.
        const stale = `${lock.file}.stale.${own}`;
        try {
          renameSync(lock.file, stale);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
          throw error;
        }
        const moved = read(stale);
        if (moved && isRunning(moved.supervisor)) renameSync(stale, lock.file);
        else rmSync(stale, { force: true });
      }
    } finally {
      rmSync(draft, { force: true });
    }
  }

  /** Writes down what runs now. */
  update(change: Partial<RunRecord>): void {
    this.#record = { ...this.#record, ...change };
    const draft = `${this.file}.draft`;
    writeFileSync(draft, this.#text(), { mode: 0o600 });
    renameSync(draft, this.file);
  }

  release(): void {
    rmSync(this.file, { force: true });
  }

  #text(): string {
    return `${JSON.stringify(this.#record, null, 2)}\n`;
  }
}

/** The record of the run on a data folder, whether or not it still runs; null when there is none. */
export function read(file: string): RunRecord | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RunRecord;
  } catch {
    return null;
  }
}

function alreadyRunning(folder: DataFolder, { supervisor, apiUrl }: RunRecord): StartError {
  return new StartError(
    `Bellwether already runs on ${folder.path} (process ${supervisor.pid}, ${apiUrl}). Stop that one with Ctrl-C ` +
      `or \`kill ${supervisor.pid}\`; or start this one on its own folder and ports: BELLWETHER_DATA_DIR, ` +
      'BELLWETHER_API_PORT, BELLWETHER_INGEST_PORT, BELLWETHER_NATS_PORT.',
  );
}

/** The guard and the services of a killed run end by themselves in seconds; what hangs is killed. */
async function endLeftovers({ guard, services }: RunRecord): Promise<void> {
  const left = Object.values(services);
  if (!(await within(6_000, () => !left.some(isRunning)))) {
    for (const service of left.filter(isRunning)) process.kill(service.pid, 'SIGKILL');
    await within(5_000, () => !left.some(isRunning));
  }
  if (guard) await within(30_000, () => !isRunning(guard));
}
