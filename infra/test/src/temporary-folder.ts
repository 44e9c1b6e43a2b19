import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { guard } from './guard.js';

/** A folder below the system's temporary one that is removed at the end of the run, however it ends. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), `bellwether-${name}-`));
  chmodSync(folder, 0o755); // Postgres' unprivileged user passes through
  guard().removeAtEnd(folder);
  return folder;
}
