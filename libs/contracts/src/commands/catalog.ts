import { z } from 'zod';
import { role } from '../events/oncall.js';
import { httpUrl, incidentId, labels, pageId, resourceName, text } from '../names.js';
import { changeFreeze } from '../resources/change-freeze.js';
import { correctionFields, correctionTime } from '../resources/correction.js';
import { escalationPolicy, override, schedule, user } from '../resources/oncall.js';
import { rule } from '../resources/rule.js';
import { service, sli } from '../resources/service.js';
import { severity } from '../resources/severity.js';
import { groupValue, sloDefinition } from '../resources/slo.js';
import { duration, timestamp, timeZone } from '../time.js';
import { gate } from '../views/gate.js';
import { HISTORY_POINTS, incidentRole, incidentStatus } from '../views/views.js';

const of = <T extends z.ZodRawShape>(shape: T) => z.strictObject({ incident: incidentId, ...shape });
const ofPage = <T extends z.ZodRawShape>(shape: T) => z.strictObject({ page: pageId, ...shape });

/** Bodies of incident routes (`data` of the command adds the incident's id from the path). */
export const incidentBodies = {
  declare: z.strictObject({
    title: text(200).refine((title) => title.trim() !== '', 'must not be blank'),
    severity,
    services: z.array(resourceName).max(50).default([]),
    summary: text(10_000, 0).optional(),
    startedAt: timestamp.optional(),
    labels: labels.default({}),
    escalationPolicy: resourceName.optional(),
  }),
  status: z.strictObject({ status: incidentStatus, note: text(10_000), at: timestamp.optional() }),
  severity: z.strictObject({ severity, reason: text(1000) }),
  roles: z.strictObject({ role: incidentRole, user: resourceName.nullable() }),
  responders: z.strictObject({ user: resourceName }),
  services: z.strictObject({ service: resourceName }),
  note: z.strictObject({
    text: text(10_000),
    at: timestamp.optional(),
    links: z.array(httpUrl).max(20).optional(),
    pinned: z.boolean().optional(),
  }),
  update: z.strictObject({
    audience: z.enum(['internal', 'public']),
    text: text(10_000),
    nextUpdateAt: timestamp.optional(),
  }),
  merge: z.strictObject({ into: incidentId }),
  reopen: z.strictObject({ reason: text(1000) }),
} as const;

export const pageBodies = {
  acknowledge: z.strictObject({ note: text(1000).optional() }),
  /** `step` names a step (from 1); absent: the next one. */
  escalate: z.strictObject({ step: z.int().min(1).max(10).optional(), note: text(1000).optional() }),
  reassign: z.strictObject({ users: z.array(resourceName).min(1).max(20), note: text(1000).optional() }),
} as const;

/** Days that an override of the gate holds at most: it is for getting one change through, not for switching the gate off. */
export const MOST_GATE_OVERRIDE_DAYS = 7;

/** Bodies of gate routes (`data` of the command adds the service's name from the path). */
export const gateBodies = {
  override: z.strictObject({ reason: text(1000), until: timestamp }),
  /** `change` names what is to be deployed: a version, a commit, the URL of a pipeline run. */
  decide: z.strictObject({ change: text(256) }),
} as const;

export const tokenBody = z.strictObject({
  name: text(100),
  role,
  user: resourceName.optional(),
  expiresAt: timestamp.optional(),
});

const spanOfTime = z.strictObject({ from: timestamp, to: timestamp });

/** Every command and query: `<service>.<name>` → shape of its `data`. */
export const commandCatalog = {
  'evaluator.service-define': service,
  'evaluator.sli-define': sli,
  'evaluator.slo-define': sloDefinition,
  'evaluator.slo-retire': z.strictObject({ slo: resourceName }),
  'evaluator.slo-status': z.strictObject({
    slo: resourceName,
    asOf: timestamp.optional(),
    /** Value of the label that it is grouped by; absent: the whole. */
    group: groupValue.optional(),
  }),
  'evaluator.slo-history': z
    .strictObject({
      slo: resourceName,
      from: timestamp,
      to: timestamp,
      step: duration.optional(),
      points: z.int().min(1).max(HISTORY_POINTS).optional(),
      group: groupValue.optional(),
      asOf: timestamp.optional(),
    })
    .refine(({ step, points }) => (step === undefined) !== (points === undefined), {
      path: ['step'],
      message: 'a step is needed, or points, not both',
    }),
  'evaluator.rule-define': rule,
  'evaluator.rule-retire': z.strictObject({ rule: resourceName }),
  'evaluator.rule-status': z.strictObject({ rule: resourceName, asOf: timestamp.optional() }),
  'evaluator.slo-correct': z.strictObject({ slo: resourceName, ...correctionFields }).check(correctionTime),
  'evaluator.slo-correction-withdraw': z.strictObject({
    slo: resourceName,
    id: z.string().max(64),
    reason: text(1000).optional(),
  }),
  'evaluator.golden-signals': z.strictObject({ service: resourceName, asOf: timestamp.optional() }),
  'evaluator.slo-forecast': z.strictObject({
    slo: resourceName,
    horizon: duration.optional(),
    group: groupValue.optional(),
    asOf: timestamp.optional(),
  }),
  /** How an SLO was over a period and the one before, with the days of the period in a zone. */
  'evaluator.slo-periods': z.strictObject({
    slo: resourceName,
    period: spanOfTime,
    before: spanOfTime,
    timeZone,
  }),
  'evaluator.freeze-define': changeFreeze,
  'evaluator.freeze-retire': z.strictObject({ freeze: resourceName }),
  'evaluator.gate-override': z.strictObject({ service: resourceName, ...gateBodies.override.shape }),
  'evaluator.gate-override-withdraw': z.strictObject({ service: resourceName, id: z.string().max(64) }),
  'evaluator.gate-record': z.strictObject({
    service: resourceName,
    ...gateBodies.decide.shape,
    decision: gate,
  }),
  'incident.declare': incidentBodies.declare,
  'incident.set-status': of(incidentBodies.status.shape),
  'incident.set-severity': of(incidentBodies.severity.shape),
  'incident.assign-role': of(incidentBodies.roles.shape),
  'incident.add-responder': of(incidentBodies.responders.shape),
  'incident.add-service': of(incidentBodies.services.shape),
  'incident.add-note': of(incidentBodies.note.shape),
  'incident.correct-note': of({ ...incidentBodies.note.shape, note: z.string() }),
  'incident.publish-update': of(incidentBodies.update.shape),
  'incident.merge': of(incidentBodies.merge.shape),
  'incident.reopen': of(incidentBodies.reopen.shape),
  'paging.user-define': user,
  'paging.schedule-define': schedule,
  'paging.policy-define': escalationPolicy,
  'paging.override': override,
  'paging.override-withdraw': z.strictObject({ schedule: resourceName, id: z.string() }),
  'paging.page-acknowledge': ofPage({
    ...pageBodies.acknowledge.shape,
    via: z.enum(['api', 'link', 'cli', 'console', 'integration']).default('api'),
    link: z.string().max(1024).optional(),
  }),
  'paging.page-escalate': ofPage(pageBodies.escalate.shape),
  'paging.page-reassign': ofPage(pageBodies.reassign.shape),
  'paging.token-create': tokenBody,
  'paging.token-revoke': z.strictObject({ id: z.string().max(64) }),
} as const satisfies Record<string, z.ZodType>;

export type CommandName = keyof typeof commandCatalog;
export type CommandData<T extends CommandName> = z.output<(typeof commandCatalog)[T]>;
