import {
  type Clock,
  CONTROL_JOURNAL,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  LogStreams,
  parseOrRefuse,
  type Role,
  type TokenCreated,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { mintToken } from '@bellwether/service';
import { uuidv7 } from 'uuidv7';
import { causeOfRequest } from './cause.js';
import { requireRole } from './roles.js';

/** A token as its maker sees it, once. */
export interface NewToken {
  id: string;
  name: string;
  role: Role;
  token: string;
  expiresAt: string | null;
}

/** Access tokens. The log gets their hashes; a token itself is in the answer that made it and nowhere else. */
export class Tokens {
  readonly #log: EventLog;
  readonly #clock: Clock;

  constructor(log: EventLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * @throws CommandRefused 409 for a repeat of an earlier request: its token cannot be shown again; 422 for one that would
   * never be good
   */
  async create(request: CommandRequest): Promise<CommandReply<NewToken>> {
    requireRole(request, 'admin');
    const {
      name,
      role,
      user,
      expiresAt = null,
    } = parseOrRefuse(commandCatalog['paging.token-create'], request.data);
    if (expiresAt !== null && Date.parse(expiresAt) <= this.#clock.now().getTime()) {
      throw CommandRefused.refused('a token that has expired already would never be good', [
        { path: 'expiresAt', message: 'must be in the future' },
      ]);
    }
    const { token, hash } = mintToken();
    const id = uuidv7();
    const data: TokenCreated = { id, name, role, hash, expiresAt, ...(user ? { user } : {}) };
    const { meta, ...once } = causeOfRequest(request);
    const result = await this.#log.append({
      journal: CONTROL_JOURNAL,
      stream: LogStreams.token(id),
      expectedVersion: 'no-stream',
      events: [{ type: 'token.created', data, meta, occurredAt: this.#clock.now() }],
      ...once,
    });
    if (result.duplicate) {
      throw CommandRefused.conflict(
        'an earlier request with this key created the token, and it is shown only once; revoke it and create another',
        'token-shown',
      );
    }
    const unknown = user && (await this.#log.streamVersion(LogStreams.user(user))) === 0;
    return {
      ok: true,
      status: 201,
      data: { id, name, role, token, expiresAt },
      version: result.version,
      position: result.lastPosition,
      warnings: unknown ? [`user ${user} is not defined yet`] : [],
    };
  }

  /** Repeating it is harmless. @throws CommandRefused 404 */
  async revoke(request: CommandRequest): Promise<CommandReply<Record<string, never>>> {
    requireRole(request, 'admin');
    const { id } = parseOrRefuse(commandCatalog['paging.token-revoke'], request.data);
    const stream = LogStreams.token(id);
    const version = await this.#log.streamVersion(stream);
    if (version === 0) throw CommandRefused.notFound(`token ${id}`);
    const done = { ok: true, status: 200, data: {}, warnings: [] } as const;
    if (version > 1) return { ...done, version, position: 0, warnings: [] };
    const { meta, ...once } = causeOfRequest(request);
    const result = await this.#log.append({
      journal: CONTROL_JOURNAL,
      stream,
      expectedVersion: version,
      events: [{ type: 'token.revoked', data: { id }, meta, occurredAt: this.#clock.now() }],
      ...once,
    });
    return { ...done, version: result.version, position: result.lastPosition, warnings: [] };
  }
}
