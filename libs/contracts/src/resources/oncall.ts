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
    id: methodId.describe('Name of the method, within the user'),
    kind: z
      .enum(['webhook', 'console'])
      .describe('`webhook` posts to `address`; `console` prints a line on the output of the paging service'),
    address: z.string().max(2048).default('').describe('URL of a webhook, http or https'),
    secret: text(256)
      .optional()
      .describe(
        'Signs webhooks: `whsec_` and 24 to 64 random bytes in base64. Stored sealed; an answer shows `sealed`, and putting `sealed` back keeps the stored one',
      ),
    verified: z
      .boolean()
      .default(false)
      .describe(
        'Only a verified method is used. Only an admin may set it; a new address has to be verified again',
      ),
    disabled: z
      .boolean()
      .optional()
      .describe(
        'Set when the receiver answered 410 Gone: the method is not used until somebody defines it without this',
      ),
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
  .strictObject({
    urgency: urgency.describe('Pages that the rule is for: sev1 and sev2 are `high`, sev3 and sev4 `low`'),
    afterMinutes: z
      .int()
      .min(0)
      .max(9000)
      .default(0)
      .describe('How long after the step ran the method is used'),
    method: methodId.describe('`id` of a contact method of the user'),
  })
  .meta({ id: 'NotificationRule' });
export type NotificationRule = z.infer<typeof notificationRule>;

export const user = z
  .strictObject({
    name: resourceName.describe('Name of the user'),
    displayName: text(200).optional().describe('Name for people'),
    email: z
      .email('must be an e-mail address')
      .max(254)
      .optional()
      .describe('For people; no page is sent there'),
    timeZone: timeZone
      .default('UTC')
      .describe('Where the person lives, for people; a schedule has a zone of its own'),
    contactMethods: z
      .array(contactMethod)
      .max(10, 'must have at most 10 contact methods')
      .default([])
      .describe('How to reach the person'),
    rules: z
      .array(notificationRule)
      .max(15, 'must have at most 15 rules')
      .default([])
      .describe(
        'Which methods are used, and when. Without a rule for the urgency all verified methods are used at once',
      ),
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
    type: z.enum(['hourly', 'daily', 'weekly', 'monthly']).describe('Unit of a shift'),
    length: z.int().min(1).max(9000).default(1).describe('How many units a shift lasts'),
    start: localDateTime.describe(
      'Local time of a hand-off, when the first participant begins; all others follow at the same wall-clock time',
    ),
    timeZone: timeZone
      .optional()
      .describe('Zone of the local times of its layer. Without it: that of the schedule'),
    participants: z
      .array(
        z.union(
          [resourceName, z.array(resourceName).min(1).max(20)],
          'must be the name of a user, such as ada, or a list of 1 to 20 names that share the turn',
        ),
      )
      .min(1)
      .max(50)
      .describe('Users in order; a list in the place of a user shares the turn'),
    days: z
      .array(weekday)
      .min(1)
      .max(7)
      .optional()
      .describe(
        'Days on which turns begin; the others have nobody, and skip no participant. Without it: every day',
      ),
  })
  .meta({ id: 'Rotation' });
export type Rotation = z.infer<typeof rotation>;

/** Local time during which a layer is on. `from` = `to` is the whole day; `from` after `to` runs past midnight. */
export const restriction = z
  .strictObject({
    days: z.array(weekday).min(1).max(7).describe('Days on which it begins: `mon` to `sun`'),
    from: timeOfDay.describe('Local time at which it begins'),
    to: timeOfDay.describe(
      'Local time at which it ends; before `from` it is past midnight, equal to it 24 hours later',
    ),
  })
  .meta({ id: 'Restriction' });
export type Restriction = z.infer<typeof restriction>;

export const layer = z
  .strictObject({
    name: text(100).describe('Name of the layer; a change of a layer keeps who is on call by it'),
    rotation: rotation.describe('Who takes turns, and when'),
    restrictions: z
      .array(restriction)
      .max(50)
      .default([])
      .describe('Weekly hours in which the layer has anybody; without them, always'),
  })
  .meta({ id: 'Layer' });
export type Layer = z.infer<typeof layer>;

/** Days over which shifts are worked out at once, at most. */
export const MOST_SHIFT_DAYS = 400;

/** Layers from the most to the least specific: the first that has somebody wins. */
export const schedule = z
  .strictObject({
    name: resourceName.describe('Name of the schedule'),
    description: text(1050, 0).default('').describe('Whom it is for, for people'),
    timeZone: timeZone.describe('Zone of every local time in it, but of layers whose rotation has its own'),
    layers: z
      .array(layer)
      .min(1)
      .max(20)
      .describe('Layers, the most specific first: the first one that has anybody is on call'),
  })
  .meta({ id: 'Schedule' });
export type Schedule = z.infer<typeof schedule>;

const targetKind = <Kind extends string>(kind: Kind) =>
  z
    .literal(kind)
    .describe('`schedule`: whoever is on call when the step runs. `user`: a person. `webhook`: an address');
const targetName = 'Name of the schedule or user';

export const escalationTarget = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: targetKind('schedule'), name: resourceName.describe(targetName) }),
    z.strictObject({ kind: targetKind('user'), name: resourceName.describe(targetName) }),
    z.strictObject({
      kind: targetKind('webhook'),
      address: httpUrl.describe('URL of a `webhook`'),
      secret: text(256)
        .optional()
        .describe('Signs the calls of a `webhook`, as that of a contact method does'),
    }),
  ])
  .meta({ id: 'EscalationTarget' });
export type EscalationTarget = z.infer<typeof escalationTarget>;

export const escalationStep = z
  .strictObject({
    targets: z.array(escalationTarget).min(1).max(20).describe('Who is paged'),
    timeoutMinutes: z
      .int()
      .min(1)
      .max(9000)
      .describe('How long the step waits for an acknowledgement before the next one runs'),
    assign: z
      .enum(['all', 'round-robin'])
      .default('all')
      .describe('`all`: all targets at once. `round-robin`: one of them, each page the next'),
  })
  .meta({ id: 'EscalationStep' });
export type EscalationStep = z.infer<typeof escalationStep>;

export const escalationPolicy = z
  .strictObject({
    name: resourceName.describe('Name of the policy; `default` covers whatever names none'),
    description: text(1050, 0).default('').describe('Whom it is for, for people'),
    repeat: z.int().min(0).max(5).default(0).describe('How often all steps run again after the last one'),
    ackTimeoutMinutes: z
      .int()
      .min(0)
      .max(9000)
      .default(30)
      .describe(
        'An acknowledged page opens again with a reminder when its incident is not resolved after this; 0 = never',
      ),
    steps: z.array(escalationStep).min(1).max(10).describe('Steps in order; the first runs at once'),
  })
  .meta({ id: 'EscalationPolicy' });
export type EscalationPolicy = z.infer<typeof escalationPolicy>;

/** A change of a schedule for a span: body of `POST /v1/schedules/{name}/overrides`. */
export const override = z
  .strictObject({
    schedule: resourceName.describe('Schedule that is changed'),
    kind: z
      .enum(['add', 'remove', 'replace'])
      .describe(
        '`add` puts `user` on call, `remove` takes `user` off, `replace` puts `user` in the place of `replaces`',
      ),
    user: resourceName.optional().describe('Who is put on call, or taken off; required'),
    replaces: resourceName
      .optional()
      .describe('Of `replace`: whose place is taken, while that person is on call'),
    from: timestamp.describe('When it begins'),
    to: timestamp.describe('When it ends'),
    reason: text(1000, 0).default('').describe('Why, for people'),
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
