import { isDeepStrictEqual } from 'node:util';
import {
  type Clock,
  CONTROL_JOURNAL,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  type ContactMethod,
  type EscalationPolicy,
  escalationPolicy,
  LogStreams,
  parseOrRefuse,
  type Schedule,
  schedule as scheduleSchema,
  type User,
  user as userSchema,
} from '@bellwether/contracts';
import { type EventLog, type RecordedEvent, VersionConflict } from '@bellwether/event-log';
import {
  gapWarnings,
  policyWarnings,
  redactPolicy,
  redactUser,
  scheduleGaps,
  scheduleWarnings,
  secretsOfPolicy,
  secretsOfUser,
  secretWarnings,
  userWarnings,
} from '@bellwether/oncall';
import { causeOfRequest } from './cause.js';
import { requireRole } from './roles.js';
import { scheduleState } from './roster.js';
import type { Secrets } from './secrets.js';

type Resource = User | Schedule | EscalationPolicy;

/** How one kind of resource is created or replaced. */
interface Definition<T extends Resource> {
  stream: string;
  type: 'user.defined' | 'schedule.defined' | 'policy.defined';
  given: T;
  /** What is stored of it, when `stored` is there already. */
  prepare: (given: T, stored: T | null) => T;
  show: (resource: T) => T;
  warnings: (resource: T, events: readonly RecordedEvent[]) => Promise<string[]>;
}

const warnAheadDays = 14;
const day = 86_400_000;

/** Users, schedules and escalation policies: create or replace as a whole. */
export class Definitions {
  readonly #log: EventLog;
  readonly #clock: Clock;
  readonly #secrets: Secrets;

  constructor(log: EventLog, clock: Clock, secrets: Secrets) {
    this.#log = log;
    this.#clock = clock;
    this.#secrets = secrets;
  }

  async defineUser(request: CommandRequest): Promise<CommandReply<User>> {
    requireRole(request, 'responder');
    const given = parseOrRefuse(userSchema, request.data, 'the user');
    return this.#define(request, {
      stream: LogStreams.user(given.name),
      type: 'user.defined',
      given,
      prepare: (user, stored) => {
        refuseSelfVerified(request, user, stored);
        const contactMethods = this.#secrets.ofMethods(user.contactMethods, stored?.contactMethods ?? []);
        return { ...user, contactMethods };
      },
      show: redactUser,
      warnings: async (user) => [...userWarnings(user), ...secretWarnings(secretsOfUser(given))],
    });
  }

  async defineSchedule(request: CommandRequest): Promise<CommandReply<Schedule>> {
    requireRole(request, 'admin');
    const given = parseOrRefuse(scheduleSchema, request.data, 'the schedule');
    return this.#define(request, {
      stream: LogStreams.schedule(given.name),
      type: 'schedule.defined',
      given,
      prepare: (schedule) => schedule,
      show: (schedule) => schedule,
      warnings: async (schedule, events) => {
        const people = schedule.layers.flatMap(({ rotation }) => rotation.participants.flat());
        const missing = await this.#undefined('user', people);
        return [...missing, ...scheduleWarnings(schedule), ...this.#gapWarnings(events)];
      },
    });
  }

  async definePolicy(request: CommandRequest): Promise<CommandReply<EscalationPolicy>> {
    requireRole(request, 'admin');
    const given = parseOrRefuse(escalationPolicy, request.data, 'the policy');
    return this.#define(request, {
      stream: LogStreams.policy(given.name),
      type: 'policy.defined',
      given,
      prepare: (policy, stored) => this.#secrets.ofPolicy(policy, stored),
      show: redactPolicy,
      warnings: async (policy) => {
        const targets = policy.steps.flatMap((step) => step.targets);
        const named = (kind: 'user' | 'schedule') =>
          targets.flatMap((target) => (target.kind === kind ? [target.name] : []));
        const missing = [
          this.#undefined('schedule', named('schedule')),
          this.#undefined('user', named('user')),
        ];
        return [
          ...(await Promise.all(missing)).flat(),
          ...policyWarnings(policy),
          ...secretWarnings(secretsOfPolicy(given)),
        ];
      },
    });
  }

  async #define<T extends Resource>(
    request: CommandRequest,
    definition: Definition<T>,
  ): Promise<CommandReply<T>> {
    const { stream, type, show } = definition;
    for (;;) {
      const events = await this.#log.readStream(stream);
      const defined = events.filter((event) => event.type === type);
      const stored = (defined.at(-1)?.data as T | undefined) ?? null;
      const version = events.at(-1)?.version ?? 'no-stream';
      const current = request.expect === undefined || request.expect === defined.length;
      const resource = definition.prepare(definition.given, stored);
      if (current && stored && isDeepStrictEqual(plain(resource), plain(stored))) {
        const warnings = await definition.warnings(resource, events);
        return {
          ok: true,
          status: 200,
          data: show(resource),
          version: defined.length,
          position: 0,
          warnings,
        };
      }
      try {
        const { meta, ...once } = causeOfRequest(request);
        const result = await this.#log.append({
          journal: CONTROL_JOURNAL,
          stream,
          // An If-Match that fails is still put to the log, which knows whether this very request was carried out.
          expectedVersion: current ? version : version === 'no-stream' ? 'stream-exists' : 'no-stream',
          events: [{ type, data: resource, meta, occurredAt: this.#clock.now() }],
          ...once,
        });
        return await this.#reply(definition, result.events[0]!.id, result.lastPosition);
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
        if (!current) throw CommandRefused.staleVersion(request.expect ?? 0, defined.length);
      }
    }
  }

  async #reply<T extends Resource>(
    { stream, type, show, warnings }: Definition<T>,
    eventId: string,
    position: number,
  ): Promise<CommandReply<T>> {
    const events = await this.#log.readStream(stream);
    const defined = events.filter((event) => event.type === type);
    const version = defined.findIndex((event) => event.id === eventId) + 1;
    const resource = defined[version - 1]!.data as T;
    return {
      ok: true,
      status: version === 1 ? 201 : 200,
      data: show(resource),
      version,
      position,
      warnings: await warnings(resource, events),
    };
  }

  #gapWarnings(events: readonly RecordedEvent[]): string[] {
    const state = scheduleState(events);
    if (!state) return [];
    const now = this.#clock.now().getTime();
    return gapWarnings(scheduleGaps(state, now, now + warnAheadDays * day));
  }

  async #undefined(kind: 'user' | 'schedule', names: readonly string[]): Promise<string[]> {
    const unique = [...new Set(names)];
    const versions = await Promise.all(unique.map((name) => this.#log.streamVersion(LogStreams[kind](name))));
    return unique
      .filter((_, place) => versions[place] === 0)
      .map((name) => `${kind} ${name} is not defined yet`);
  }
}

/** A method is verified by a code, or by an admin who says so; whoever changes where it leads has to verify it again. */
function refuseSelfVerified(request: CommandRequest, user: User, stored: User | null): void {
  if (request.role === 'admin') return;
  const wasVerified = ({ id, kind, address }: ContactMethod) =>
    stored?.contactMethods.some(
      (method) => method.id === id && method.kind === kind && method.address === address && method.verified,
    ) ?? false;
  const claimed = user.contactMethods.find((method) => method.verified && !wasVerified(method));
  if (claimed) {
    throw CommandRefused.forbidden(`only an admin may say that contact method ${claimed.id} is verified`);
  }
}

/** As the log keeps it: without what JSON leaves out. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
