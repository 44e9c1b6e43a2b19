import { z } from 'zod';
import { httpUrl, resourceName, text } from '../names.js';
import { localDateTime, timeOfDay, timestamp, timeZone } from '../time.js';

const methodId = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/, 'must be a lower-case word such as hook');

/**
 * How to reach a person. `secret` signs webhooks (Standard Webhooks, `whsec_…`); it is sealed before it is stored and
 * never given out: an answer shows `secret: "sealed"`, and putting that back keeps the stored one.
 */
export const contactMethod = z
  .strictObject({
    id: methodId,
    kind: z.enum(['webhook', 'console']),
    address: z.string().max(2048).default(''),
    secret: text(256).optional(),
    verified: z.boolean().default(false),
    /** Set by the system when the receiver answered 410 Gone. */
    disabled: z.boolean().optional(),
  })
  .superRefine((method, context) => {
    if (method.kind === 'webhook' && !httpUrl.safeParse(method.address).success) {
      context.addIssue({ code: 'custom', path: ['address'], message: 'must be an http or https URL' });
    }
  })
  .meta({ id: 'ContactMethod' });
export type ContactMethod = z.infer<typeof contactMethod>;

export const urgency = z.enum(['high', 'low']);
export type Urgency = z.infer<typeof urgency>;

export const notificationRule = z
  .strictObject({ urgency, afterMinutes: z.int().min(0).max(9000).default(0), method: methodId })
  .meta({ id: 'NotificationRule' });
export type NotificationRule = z.infer<typeof notificationRule>;

export const user = z
  .strictObject({
    name: resourceName,
    displayName: text(200).optional(),
    email: z.email('must be an e-mail address').max(254).optional(),
    timeZone: timeZone.default('UTC'),
    contactMethods: z.array(contactMethod).max(10, 'must have at most 10 contact methods').default([]),
    rules: z.array(notificationRule).max(15, 'must have at most 15 rules').default([]),
  })
  .superRefine((u, context) => {
    const ids = new Set<string>();
    for (const [i, method] of u.contactMethods.entries()) {
      if (ids.has(method.id))
        context.addIssue({ code: 'custom', path: ['contactMethods', i, 'id'], message: 'is used twice' });
      ids.add(method.id);
    }
    for (const [i, rule] of u.rules.entries()) {
      if (!ids.has(rule.method))
        context.addIssue({
          code: 'custom',
          path: ['rules', i, 'method'],
          message: 'names no contact method of this user',
        });
    }
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof user>;

export const weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
export type Weekday = z.infer<typeof weekday>;

/** Hand-offs at the same wall-clock time, every `length` hours, days, weeks or months from `start` (local, to the minute). */
export const rotation = z
  .strictObject({
    type: z.enum(['hourly', 'daily', 'weekly', 'monthly']),
    length: z.int().min(1).max(9000).default(1),
    start: localDateTime,
    /** A name, or several who share the turn. */
    participants: z
      .array(z.union([resourceName, z.array(resourceName).min(1).max(20)]))
      .min(1)
      .max(50),
    /** Days on which turns count: a weekday rotation skips days, not people. Absent: every day. */
    days: z.array(weekday).min(1).max(7).optional(),
  })
  .meta({ id: 'Rotation' });
export type Rotation = z.infer<typeof rotation>;

/** Local time during which a layer is on. `from` = `to` is the whole day; `from` after `to` runs past midnight. */
export const restriction = z
  .strictObject({ days: z.array(weekday).min(1).max(7), from: timeOfDay, to: timeOfDay })
  .meta({ id: 'Restriction' });
export type Restriction = z.infer<typeof restriction>;

export const layer = z
  .strictObject({ name: text(100), rotation, restrictions: z.array(restriction).max(50).default([]) })
  .meta({ id: 'Layer' });
export type Layer = z.infer<typeof layer>;

/** Layers from the most to the least specific: the first that has somebody wins. */
export const schedule = z
  .strictObject({
    name: resourceName,
    description: text(1050, 0).default(''),
    timeZone,
    layers: z.array(layer).min(1).max(20),
  })
  .meta({ id: 'Schedule' });
export type Schedule = z.infer<typeof schedule>;

export const escalationTarget = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('schedule'), name: resourceName }),
    z.strictObject({ kind: z.literal('user'), name: resourceName }),
    z.strictObject({ kind: z.literal('webhook'), address: httpUrl, secret: text(256).optional() }),
  ])
  .meta({ id: 'EscalationTarget' });
export type EscalationTarget = z.infer<typeof escalationTarget>;

export const escalationStep = z
  .strictObject({
    targets: z.array(escalationTarget).min(1).max(20),
    timeoutMinutes: z.int().min(1).max(9000),
    assign: z.enum(['all', 'round-robin']).default('all'),
  })
  .meta({ id: 'EscalationStep' });
export type EscalationStep = z.infer<typeof escalationStep>;

export const escalationPolicy = z
  .strictObject({
    name: resourceName,
    description: text(1050, 0).default(''),
    /** How often the steps are run again after the last one. */
    repeat: z.int().min(0).max(5).default(0),
    /** An acknowledged page that is not resolved by then re-opens with a reminder; 0 = never. */
    ackTimeoutMinutes: z.int().min(0).max(9000).default(30),
    steps: z.array(escalationStep).min(1).max(10),
  })
  .meta({ id: 'EscalationPolicy' });
export type EscalationPolicy = z.infer<typeof escalationPolicy>;

/** A change of a schedule for a span: body of `POST /v1/schedules/{name}/overrides`. */
export const override = z
  .strictObject({
    schedule: resourceName,
    kind: z.enum(['add', 'remove', 'replace']),
    user: resourceName.optional(),
    replaces: resourceName.optional(),
    from: timestamp,
    to: timestamp,
    reason: text(1000, 0).default(''),
  })
  .superRefine((o, context) => {
    if (Date.parse(o.to) <= Date.parse(o.from))
      context.addIssue({ code: 'custom', path: ['to'], message: 'must be after from' });
    if (o.kind !== 'remove' && !o.user)
      context.addIssue({ code: 'custom', path: ['user'], message: `is required for kind ${o.kind}` });
    if (o.kind === 'replace' && !o.replaces)
      context.addIssue({ code: 'custom', path: ['replaces'], message: 'is required for kind replace' });
    if (o.kind === 'remove' && !o.user && !o.replaces)
      context.addIssue({ code: 'custom', path: ['user'], message: 'is required for kind remove' });
  })
  .meta({ id: 'Override' });
export type Override = z.infer<typeof override>;
