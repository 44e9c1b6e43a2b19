import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, type Role, systemClock, tokenCreated, tokenRevoked } from '@bellwether/contracts';

// What a token may do. `publisher` publishes measurements and nothing else; the others include one another upwards.
const includes: Record<Role, readonly Role[]> = {
  publisher: ['publisher'],
  viewer: ['viewer'],
  responder: ['responder', 'viewer'],
  admin: ['admin', 'responder', 'viewer', 'publisher'],
};

/** Who a request comes from. */
export interface Principal {
  /** What an event's `actor` says: `user:<name>` for a person's token, else `key:<token id>`. */
  readonly actor: string;
  /** The token's name, for people. */
  readonly name: string;
  readonly role: Role;
}

/** Whether the principal's role includes one of those given. */
export function may(principal: Principal, roles: readonly Role[]): boolean {
  return roles.some((role) => includes[principal.role].includes(role));
}

/** How a token is kept: SHA-256 in hex. Tokens have 256 random bits, so a slow hash would add nothing. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** A new token, to be shown once, and the hash to keep. */
export function mintToken(): { token: string; hash: string } {
  const token = `bw_${randomBytes(32).toString('base64url')}`;
  return { token, hash: hashToken(token) };
}

/** Whether an `Authorization` header has a token of the form that {@link mintToken} gives: no other is ever created. */
export const isMinted = (header: string | undefined): boolean =>
  header !== undefined && /^bearer +bw_[\w-]{43} *$/i.test(header);

const bearer = /^bearer +([\x21-\x7e]+) *$/i;
const longestHeader = 1024;

/**
 * The tokens that are valid now: the bootstrap token, and those that the control log's `token.created` and
 * `token.revoked` say. Only hashes are held.
 */
export class TokenAuthority {
  readonly #byId = new Map<string, string>();
  readonly #byHash = new Map<string, { digest: Buffer; principal: Principal; expiresAt: number }>();
  readonly #revoked = new Set<string>();

  /** @param bootstrapToken the admin token of the environment, if there is one */
  constructor(
    bootstrapToken: string | undefined,
    private readonly clock: Clock = systemClock,
  ) {
    if (bootstrapToken !== undefined && bootstrapToken !== '') {
      this.admit('bootstrap', hashToken(bootstrapToken), {
        actor: 'key:bootstrap',
        name: 'bootstrap',
        role: 'admin',
      });
    }
  }

  /**
   * Takes in one event of the control log; others than tokens' are ignored. The order of repeats does not
   * matter: what was revoked stays so.
   */
  apply(event: { type: string; data: unknown }): void {
    const type = event.type.replace(/^bellwether\./, '').replace(/\.v\d+$/, '');
    if (type === 'token.created') {
      const { id, name, role, hash, user, expiresAt } = tokenCreated.parse(event.data);
      if (this.#revoked.has(id)) return;
      const actor = user === undefined ? `key:${id}` : `user:${user}`;
      this.admit(id, hash, { actor, name, role }, expiresAt === null ? undefined : Date.parse(expiresAt));
    } else if (type === 'token.revoked') {
      const { id } = tokenRevoked.parse(event.data);
      this.#revoked.add(id);
      const hash = this.#byId.get(id);
      if (hash === undefined) return;
      this.#byId.delete(id);
      this.#byHash.delete(hash);
    }
  }

  /** Who an `Authorization` header speaks for; null when it is missing, not a bearer token, unknown, expired or revoked. */
  authenticate(header: string | undefined): Principal | null {
    if (header === undefined || header.length > longestHeader) return null;
    const token = bearer.exec(header)?.[1];
    if (token === undefined) return null;
    const hash = hashToken(token);
    const known = this.#byHash.get(hash);
    // The look-up is by a hash the caller cannot steer; the comparison of the secret itself takes constant time.
    if (known === undefined || !timingSafeEqual(known.digest, Buffer.from(hash, 'hex'))) return null;
    return this.clock.now().getTime() < known.expiresAt ? known.principal : null;
  }

  private admit(id: string, hash: string, principal: Principal, expiresAt = Number.POSITIVE_INFINITY): void {
    this.#byId.set(id, hash);
    this.#byHash.set(hash, { digest: Buffer.from(hash, 'hex'), principal, expiresAt });
  }
}
