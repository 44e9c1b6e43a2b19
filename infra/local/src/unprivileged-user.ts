import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** A user without privileges that exists on this machine. */
export interface UnprivilegedUser {
  name: string;
  uid: number;
  gid: number;
}

/**
 * The user to run Postgres as when we are root, which Postgres refuses: `postgres` where there is one, else `nobody`.
 * Null when we are not root and Postgres runs as ourselves.
 */
export function unprivilegedUser(): UnprivilegedUser | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  const user = ['postgres', '_postgres', 'nobody']
    .map((name) => users.find((candidate) => candidate.name === name && candidate.uid > 0))
    .find((candidate) => candidate !== undefined);
  if (!user) {
    throw new Error(
      'Postgres does not run as root, and /etc/passwd has neither a user "postgres" nor "nobody" to run it as. ' +
        'Start as an ordinary user, or set DATABASE_URL to a Postgres of your own.',
    );
  }
  return user;
}

/** Whether the user can read what lies in the folder: each folder above it, and itself, lets others through. */
export function canReach(folder: string, user: UnprivilegedUser): boolean {
  for (let current = path.resolve(folder); ; current = path.dirname(current)) {
    const stat = statSync(current, { throwIfNoEntry: false });
    if (stat) {
      const bits =
        stat.uid === user.uid ? stat.mode >> 6 : stat.gid === user.gid ? stat.mode >> 3 : stat.mode;
      if ((bits & 1) === 0) return false;
    }
    if (current === path.dirname(current)) return true;
  }
}
