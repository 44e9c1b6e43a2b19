import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { StartError } from './start-error.js';

const startedFile = 'started';

/** Where a local run keeps what outlives it. */
export class DataFolder {
  private constructor(
    /** Absolute, without symbolic links: two names of one folder are one folder. */
    readonly path: string,
  ) {}

  /** Makes the folder when it is missing; refuses one that is not ours. */
  static open(folder: string): DataFolder {
    try {
      // Others may pass through (Postgres runs as somebody else when we are root); each file says who may read it.
      mkdirSync(folder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
      accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
      return new DataFolder(realpathSync(folder));
    } catch (error) {
      throw notOurs(folder, error as Error);
    }
  }

  file(...names: string[]): string {
    return path.join(this.path, ...names);
  }

  /** Whether a start on this folder has ever succeeded. */
  get hasStarted(): boolean {
    return existsSync(this.file(startedFile));
  }

  /** Notes that a start has succeeded. */
  noteStarted(): void {
    if (!this.hasStarted) writeFileSync(this.file(startedFile), `${new Date().toISOString()}\n`);
  }

  /** A secret that is made at the first start and kept with mode 0600. */
  secret(name: string, make: () => string): string {
    const file = this.file(name);
    if (existsSync(file)) {
      try {
        const value = readFileSync(file, 'utf8').trim();
        if (value !== '') return value;
      } catch (error) {
        throw notOurs(this.path, error as Error);
      }
    }
    const value = make();
    writeFileSync(file, `${value}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
    return value;
  }
}

function notOurs(folder: string, { message }: Error): StartError {
  return new StartError(
    `The data folder ${folder} cannot be used (${message}). It may belong to another user, root perhaps: start as ` +
      'that user, or name another folder with BELLWETHER_DATA_DIR.',
  );
}

/** The admin token: 256 random bits, recognisable in a leak. */
export const newToken = () => `bw_${randomBytes(32).toString('base64url')}`;
/** 32 random bytes in base64: the key that seals contact secrets. */
export const newSecretKey = () => randomBytes(32).toString('base64');
export const newPassword = () => randomBytes(24).toString('base64url');
