import { type EventData, type EventType, type LoggedEvent, sloName } from '@bellwether/contracts';
import { alertTitle } from './alerts.js';
import { personOf } from './people.js';
import { ruleMeasuredText } from './rule-measured.js';

/** What an event says on a timeline. */
export interface TimelineText {
  /** When it happened, where the event itself says so; else the event's own time counts. */
  readonly at?: string;
  readonly kind: TimelineKind;
  readonly text: string;
  readonly pinned?: boolean;
  readonly links?: readonly string[];
}

/** Kinds of timeline entries, to filter by. */
export const timelineKinds = [
  'declared',
  'alert',
  'status',
  'severity',
  'role',
  'responder',
  'service',
  'note',
  'update',
  'merge',
  'page',
  'change',
  'budget',
] as const;
export type TimelineKind = (typeof timelineKinds)[number];

type Writers = { [T in EventType]?: (data: EventData<T>, actor: string) => TimelineText };

const names = (list: readonly string[]) => (list.length === 0 ? 'nobody' : list.join(', '));
const who = (actor: string) => personOf(actor) ?? actor;
const rate = (burn: number | null) => (burn === null ? 'no data' : `${Number(burn.toPrecision(3))}×`);
const share = (ratio: number | null) =>
  ratio === null ? 'unknown' : `${Number((ratio * 100).toFixed(1))} %`;
const role = (name: string) => (name === 'commander' ? 'command' : `the role ${name}`);
/** Who was called, and how; a policy's own webhook is nobody's. */
const receiver = ({ user, method }: { user: string | null; method: string }) =>
  user === null ? method : `${user} (by ${method})`;

/** Whom a request calls; a policy's own webhook is nobody's, and its address may be a secret. */
const called = ({ intents }: EventData<'page.requested'>) => {
  const people = [...new Set(intents.flatMap(({ user }) => user ?? []))];
  const webhooks = intents.filter(({ user }) => user === null).length;
  return [...people, ...(webhooks > 0 ? [webhooks === 1 ? 'a webhook' : `${webhooks} webhooks`] : [])];
};
/** Why a step, or somebody of it, is not called. */
const notReached = (users: readonly string[]) =>
  users.length === 0 ? 'nobody is on call' : `${users.join(', ')} cannot be reached by any contact method`;

const requested = (data: EventData<'page.requested'>) => {
  const { page, policy, step, cycle, reason, users } = data;
  const receivers = called(data);
  const place = `(step ${step}${cycle > 1 ? `, cycle ${cycle}` : ''}, ${reason})`;
  if (receivers.length > 0) {
    const missed = users.filter((user) => !receivers.includes(user));
    return `${page} to ${names(receivers)} ${place}${missed.length > 0 ? `; ${notReached(missed)}` : ''}`;
  }
  return policy === null
    ? `${page} reaches nobody: neither the SLO nor the service names an escalation policy, and there is no default one`
    : `${page} reaches nobody ${place}: ${notReached(users)}`;
};

const escalated = ({ page, from, step, reason, note, unreachable }: EventData<'page.escalated'>) =>
  reason === 'empty-step'
    ? `${page} skips step ${from}, which reaches nobody, for step ${step}${unreachable ? `: ${notReached(unreachable)}` : ''}`
    : `${page} escalated from step ${from} to ${step} (${reason})${note ? `: ${note}` : ''}`;

const exhausted = ({ page, cycles, called: anybody, unreachable }: EventData<'page.exhausted'>) =>
  anybody === false
    ? `${page} is exhausted: there was nobody to call`
    : `${page} had no answer after ${cycles} ${cycles === 1 ? 'cycle' : 'cycles'}` +
      (unreachable ? `, and its last step reaches nobody: ${notReached(unreachable)}` : '');

const burns = (data: EventData<'slo.alert.fired'> | EventData<'slo.alert.resolved'>) =>
  `burn ${rate(data.longBurn)} over ${data.longWindow} and ${rate(data.shortBurn)} over ${data.shortWindow} ` +
  `(threshold ${rate(data.threshold)}), error budget left ${share(data.budgetRemaining)}`;

const measured = ({ measured: found }: EventData<'rule.alert.fired'> | EventData<'rule.alert.resolved'>) =>
  found === undefined ? '' : `; ${ruleMeasuredText(found)}`;

const writers: Writers = {
  'incident.declared': (data, actor) => ({
    kind: 'declared',
    text: `${data.incident} declared as ${data.severity} by ${data.alert ? `alert ${alertTitle(data.alert)}` : who(actor)}: ${data.title}`,
  }),
  'incident.alert-attached': ({ alert }) => ({
    at: alert.firedAt,
    kind: 'alert',
    text: `${alertTitle(alert)} of ${alert.service} fires`,
  }),
  'incident.alert-resolved': (data) => ({
    at: data.resolvedAt,
    kind: 'alert',
    text: `${alertTitle(data)} resolved`,
  }),
  'incident.status-changed': (data) => ({
    at: data.at,
    kind: 'status',
    text: `${data.from} → ${data.to}: ${data.note}`,
  }),
  'incident.resolved': (data) => ({ at: data.at, kind: 'status', text: `resolved: ${data.note}` }),
  'incident.reopened': (data) => ({ kind: 'status', text: `reopened: ${data.reason}` }),
  'incident.severity-changed': (data) => ({
    kind: 'severity',
    text: `${data.from} → ${data.to}: ${data.reason}`,
  }),
  'incident.role-assigned': (data, actor) => {
    if (data.previous === data.user)
      return { kind: 'role', text: `${data.user} confirmed ${role(data.role)}` };
    const from = data.previous ? ` from ${data.previous}` : '';
    const by = data.automatic
      ? ' with the first acknowledge'
      : who(actor) === data.user
        ? ''
        : `, given by ${who(actor)}`;
    return { kind: 'role', text: `${data.user} took ${role(data.role)}${from}${by}` };
  },
  'incident.role-released': (data) => ({ kind: 'role', text: `${data.user} left ${role(data.role)}` }),
  'incident.command-vacant': (data) => ({
    kind: 'role',
    text: `nobody has been in command since ${data.since}`,
  }),
  'incident.responder-added': (data) => ({ kind: 'responder', text: `${data.user} responds` }),
  'incident.service-affected': (data) => ({ kind: 'service', text: `${data.service} is affected` }),
  'incident.note-added': (data) => ({
    at: data.at,
    kind: 'note',
    text: data.text,
    pinned: data.pinned,
    links: data.links,
  }),
  'incident.note-corrected': (data) => ({
    at: data.at,
    kind: 'note',
    text: data.text,
    pinned: data.pinned,
    links: data.links,
  }),
  'incident.update-published': (data) => ({
    kind: 'update',
    text: `${data.audience}: ${data.text}${data.nextUpdateAt ? ` (next update by ${data.nextUpdateAt})` : ''}`,
  }),
  'incident.acknowledged': (data) => ({
    at: data.at,
    kind: 'page',
    text: `${data.page} acknowledged by ${who(data.by)}`,
  }),
  'incident.merged': (data) => ({ kind: 'merge', text: `merged into ${data.into}` }),
  'incident.absorbed': (data) => ({ kind: 'merge', text: `${data.merged} was merged into this incident` }),
  'slo.alert.fired': (data) => ({
    at: data.eventTime,
    kind: 'alert',
    text: `${alertTitle({ ...data, name: data.slo })} of ${data.service} fires: ${burns(data)}`,
  }),
  'slo.alert.resolved': (data) => ({
    at: data.eventTime,
    kind: 'alert',
    text: `${alertTitle({ ...data, name: data.slo })} resolved (${data.reason}): ${burns(data)}`,
  }),
  'slo.budget.crossed': (data) => ({
    at: data.eventTime,
    kind: 'budget',
    text: `error budget of ${sloName(data)} went ${data.direction} past ${share(data.threshold)}: ${share(data.remaining)} left`,
  }),
  'rule.alert.fired': (data) => ({
    at: data.eventTime,
    kind: 'alert',
    text: `${alertTitle({ ...data, name: data.rule, tier: null })} of ${data.service} fires: ${data.summary}${measured(data)}`,
  }),
  'rule.alert.resolved': (data) => ({
    at: data.eventTime,
    kind: 'alert',
    text: `${alertTitle({ ...data, name: data.rule, tier: null })} resolved${measured(data)}`,
  }),
  'change.recorded': (data) => ({
    at: data.at,
    kind: 'change',
    text: `${data.kind} of ${data.service}: ${data.version}${data.actor ? ` by ${who(data.actor)}` : ''}`,
    ...(data.url ? { links: [data.url] } : {}),
  }),
  'page.requested': (data) => ({ kind: 'page', text: requested(data) }),
  'page.delivered': (data) => ({
    kind: 'page',
    text: data.notice
      ? `${data.page}: ${receiver(data)} was told that it ended`
      : `${data.page} delivered${data.user ? ` to ${data.user}` : ''} by ${data.method}, attempt ${data.attempt}`,
  }),
  'page.failed': (data) => ({
    kind: 'page',
    text: data.notice
      ? `${data.page}: ${receiver(data)} could not be told that it ended: ${data.error}`
      : `${data.page}${data.user ? ` to ${data.user}` : ''} by ${data.method} failed: ${data.error}`,
  }),
  'page.acknowledged': (data) => ({
    at: data.at,
    kind: 'page',
    text: `${data.page} acknowledged by ${who(data.by)}${data.note ? `: ${data.note}` : ''}`,
  }),
  'page.escalated': (data) => ({ kind: 'page', text: escalated(data) }),
  'page.reopened': (data) => ({ kind: 'page', text: `${data.page} is open again (${data.reason})` }),
  'page.reassigned': (data) => ({
    kind: 'page',
    text: `${data.page} given to ${names(data.users)} by ${who(data.by)}${data.note ? `: ${data.note}` : ''}`,
  }),
  'page.exhausted': (data) => ({ kind: 'page', text: exhausted(data) }),
  'page.cancelled': (data) => ({ kind: 'page', text: `${data.page} ended: the incident was ${data.reason}` }),
};

/** What an event says on a timeline; null for events that say nothing there (a delivery being tried). */
export function timelineText(event: LoggedEvent): TimelineText | null {
  const write = writers[event.type as EventType] as
    | ((data: unknown, actor: string) => TimelineText)
    | undefined;
  return write ? write(event.data, event.meta.actor) : null;
}
