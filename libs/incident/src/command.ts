import type { CommandData, CommandName, EventData, IncidentAlert, Severity } from '@bellwether/contracts';
import type { AlertIdentity, IncidentState } from './incident.js';

type PersonCommandName = Exclude<
  Extract<CommandName, `incident.${string}`>,
  'incident.declare' | 'incident.merge'
>;
type WithoutIncident<T> = Omit<T, 'incident'>;

/** What people ask of an open or resolved incident, as contracts shape it. */
type PersonCommand = {
  [T in PersonCommandName]: { readonly type: T; readonly data: WithoutIncident<CommandData<T>> };
}[PersonCommandName];

/** A declaration; `incident` is the number it gets. By an alert when there is one, else by a person. */
export interface Declare {
  readonly type: 'incident.declare';
  readonly incident: string;
  readonly data: Omit<CommandData<'incident.declare'>, 'labels'> & {
    readonly labels?: CommandData<'incident.declare'>['labels'];
    readonly alert?: IncidentAlert;
  };
}

/** Merges this incident into another, whose present state the decision needs. */
export interface Merge {
  readonly type: 'incident.merge';
  readonly data: { readonly into: string };
  readonly target: IncidentState | null;
}

/** What the system asks of an incident, because of an event or of time. */
type Reaction =
  /** An alert fired and belongs here. `asks`: the severity of incident it asks for; null asks for none. */
  | {
      readonly type: 'attach-alert';
      readonly data: { readonly alert: IncidentAlert; readonly asks: Severity | null };
    }
  | {
      readonly type: 'resolve-alert';
      readonly data: AlertIdentity & { readonly resolvedAt: string; readonly eventId: string };
    }
  | { readonly type: 'acknowledge'; readonly data: Omit<EventData<'incident.acknowledged'>, 'incident'> }
  /** Another incident was merged into this one; `source` is its last state. */
  | { readonly type: 'absorb'; readonly data: { readonly source: IncidentState } }
  /** Time has passed. */
  | { readonly type: 'pass-time' };

/** Everything an incident can be asked, with when and by whom it is asked. */
export type IncidentCommand = (Declare | Merge | PersonCommand | Reaction) & {
  /** UTC text with milliseconds. */
  readonly now: string;
  /** `user:<name>`, `service:<app>` or `key:<id>`. */
  readonly actor: string;
};

/** The command of one type. */
export type CommandOf<T extends IncidentCommand['type']> = Extract<IncidentCommand, { type: T }>;

/** How long things may wait, in milliseconds. */
export interface IncidentSettings {
  /** How long an incident without firing page alerts is in monitoring until it resolves, if nobody took command; 0 = never. */
  readonly quietPeriodMs: number;
  /** How long a sev1 or sev2 may be without somebody in command; 0 = for ever. */
  readonly commandVacancyMs: number;
  /** How long a page alert may fire on after a person resolved the incident, before that is reopened; 0 = for ever. */
  readonly stillFiringMs: number;
}

export const defaultSettings: IncidentSettings = {
  quietPeriodMs: 30 * 60_000,
  commandVacancyMs: 10 * 60_000,
  stillFiringMs: 10 * 60_000,
};
