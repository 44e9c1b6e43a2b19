import {
  type EscalationPolicy,
  type EscalationTarget,
  LogStreams,
  type Service,
  type User,
} from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import {
  type Directory,
  evolveSchedule,
  finalShifts,
  policyFor,
  type ScheduleEvent,
  type ScheduleState,
} from '@bellwether/oncall';
import type { IncidentFacts } from './incident-facts.js';

export interface RosterSettings {
  /** Name of the installation's policy. */
  defaultPolicy: string;
  fallback: EscalationTarget | null;
}

/** Users, schedules and policies as the log has them at this moment. */
export class Roster {
  readonly #log: EventLog;
  readonly #settings: RosterSettings;

  constructor(log: EventLog, settings: RosterSettings) {
    this.#log = log;
    this.#settings = settings;
  }

  async user(name: string): Promise<User | null> {
    return this.#last<User>(LogStreams.user(name), 'user.defined');
  }

  async schedule(name: string): Promise<ScheduleState | null> {
    return scheduleState(await this.#log.readStream(LogStreams.schedule(name)));
  }

  async policy(name: string): Promise<EscalationPolicy | null> {
    return this.#last<EscalationPolicy>(LogStreams.policy(name), 'policy.defined');
  }

  /** The incident's policy: its SLO's, else its service's, else the installation's; one that exists. */
  async policyOf(incident: IncidentFacts): Promise<EscalationPolicy | null> {
    const services = await Promise.all(
      incident.services.map((name) => this.#last<Service>(LogStreams.service(name), 'service.defined')),
    );
    const names = [incident.policy, ...services.map((service) => service?.escalationPolicy)];
    const existing = await Promise.all(
      names.map(async (name) => (name && (await this.policy(name)) !== null ? name : null)),
    );
    const chosen = policyFor({
      incident: existing[0],
      services: existing.slice(1),
      installation: this.#settings.defaultPolicy,
    });
    return chosen === null ? null : this.policy(chosen);
  }

  /** Who is whom at `at`, for a decision about a page that takes no turn yet. @param people named besides the policy's targets */
  async directory(policy: EscalationPolicy | null, at: Date, people: readonly string[]): Promise<Directory> {
    const { fallback } = this.#settings;
    const targets = [
      ...(policy?.steps.flatMap((step) => step.targets) ?? []),
      ...(fallback ? [fallback] : []),
    ];
    const onCall = await this.#onCall(namesOf(targets, 'schedule'), at);
    const users = await this.#users([...namesOf(targets, 'user'), ...people, ...[...onCall.values()].flat()]);
    return {
      policy,
      fallback,
      onCall: (schedule) => onCall.get(schedule) ?? [],
      user: (name) => users.get(name) ?? null,
      turn: 0,
    };
  }

  async #onCall(schedules: readonly string[], at: Date): Promise<Map<string, string[]>> {
    const time = at.getTime();
    const entries = schedules.map(async (name): Promise<[string, string[]]> => {
      const state = await this.schedule(name);
      return [name, state ? (finalShifts(state, time, time + 1)[0]?.users ?? []) : []];
    });
    return new Map(await Promise.all(entries));
  }

  async #users(names: readonly string[]): Promise<Map<string, User>> {
    const found = await Promise.all([...new Set(names)].map((name) => this.user(name)));
    return new Map(found.flatMap((user) => (user ? [[user.name, user]] : [])));
  }

  async #last<T>(stream: string, type: string): Promise<T | null> {
    const events = await this.#log.readStream(stream);
    return (events.findLast((event) => event.type === type)?.data as T | undefined) ?? null;
  }
}

/** Folds a schedule's stream. */
export function scheduleState(events: readonly RecordedEvent[]): ScheduleState | null {
  return events.reduce<ScheduleState | null>(
    (state, { type, data, occurredAt }) =>
      evolveSchedule(state, { type, data, at: occurredAt.getTime() } as ScheduleEvent),
    null,
  );
}

function namesOf(targets: readonly EscalationTarget[], kind: 'user' | 'schedule'): string[] {
  return [...new Set(targets.flatMap((target) => (target.kind === kind ? [target.name] : [])))];
}
