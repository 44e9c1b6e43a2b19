import { z } from 'zod';
import { role, type ScheduleOverridden } from '../events/oncall.js';
import { resourceName } from '../names.js';
import { timestamp } from '../time.js';
import { incident, listOf, timelineEntry } from '../views/views.js';

const minutes = z.number().nullable();

/** Everything the log says of an incident, ready to print. */
export const incidentReport = z
  .object({
    incident,
    durations: z.object({
      timeToDetectMinutes: z.number(),
      timeToAcknowledgeMinutes: minutes,
      timeToResolveMinutes: minutes,
    }),
    budgets: z.array(
      z.object({
        slo: z.string(),
        remainingAtStart: z.number().nullable(),
        remainingAtEnd: z.number().nullable(),
        remainingAtFirst: z.number().nullable(),
        remainingAtLast: z.number().nullable(),
        spent: z.number().nullable(),
      }),
    ),
    people: z.array(
      z.object({
        user: z.string(),
        roles: z.array(
          z.object({
            role: z.string(),
            user: z.string(),
            from: timestamp,
            to: timestamp.nullable(),
            assignedBy: z.string(),
            confirmedAt: timestamp.nullable(),
          }),
        ),
        deeds: z.array(z.object({ at: timestamp, text: z.string() })),
      }),
    ),
    pages: z.array(
      z.object({
        id: z.string(),
        requestedAt: timestamp,
        users: z.array(z.string()),
        deliveries: z.int(),
        failures: z.int(),
        escalations: z.int(),
        acknowledgedAt: timestamp.nullable(),
        acknowledgedBy: z.string().nullable(),
        endedAt: timestamp.nullable(),
      }),
    ),
    suspects: z.array(timelineEntry),
    timeline: z.array(timelineEntry),
  })
  .meta({ id: 'IncidentReport' });

/** An override that is in the log. */
export const scheduleOverride = z
  .object({
    id: z.string(),
    schedule: resourceName,
    kind: z.enum(['add', 'remove', 'replace']),
    user: resourceName.optional(),
    replaces: resourceName.optional(),
    from: timestamp,
    to: timestamp,
    reason: z.string(),
    by: z.string(),
  })
  .meta({ id: 'ScheduleOverride' });
export type ScheduleOverride = z.infer<typeof scheduleOverride>;

/** An override that was withdrawn: it ended then. */
export const withdrawnOverride = scheduleOverride
  .extend({ withdrawnBy: z.string(), withdrawnAt: timestamp })
  .meta({ id: 'WithdrawnOverride' });
export type WithdrawnOverride = z.infer<typeof withdrawnOverride>;

/** An override as it is shown, of the event that made it. */
export const overrideShown = (made: ScheduleOverridden): ScheduleOverride =>
  scheduleOverride.strip().parse(made);

const tokenFields = {
  id: z.string(),
  name: z.string(),
  role,
  user: z.string().nullable(),
  createdAt: timestamp,
  expiresAt: timestamp.nullable(),
};

/** An access token as it is listed: neither the token nor its hash. */
export const accessToken = z
  .object({ ...tokenFields, createdBy: z.string(), revokedAt: timestamp.nullable() })
  .meta({ id: 'Token' });
export type AccessToken = z.infer<typeof accessToken>;

/** The answer to creating a token: the only place where the token itself is ever shown. */
export const newToken = z
  .object({ id: z.string(), name: z.string(), role, token: z.string(), expiresAt: timestamp.nullable() })
  .meta({ id: 'NewToken' });

export const whoAmI = z.object({ actor: z.string(), name: z.string(), role }).meta({ id: 'WhoAmI' });

const journalState = z.object({
  journal: z.string(),
  position: z.int(),
  recordedAt: timestamp.nullable(),
});
/**
 * The build of a read model that is under way (`endedAt` null), or the last one since the service started. Without an
 * `error` it was put in place of the one before; with one, everything is as it was.
 */
const projectionBuild = z.object({
  id: z.string(),
  startedAt: timestamp,
  endedAt: timestamp.nullable(),
  error: z.string().nullable(),
});
/** A read model: how far it has come, and what is being built to take its place. */
export const projectionState = z
  .object({
    name: z.string(),
    version: z.int(),
    position: z.int(),
    head: z.int(),
    building: z.object({ version: z.int(), position: z.int(), head: z.int() }).nullable(),
    lastBuild: projectionBuild.nullable(),
    halted: z.object({ position: z.int(), error: z.string() }).nullable(),
    /** How many keys stand still at an event that could not be taken, while the others go on; a rebuild is the way out. */
    parkedKeys: z.int(),
    /** The first of them, 100 at most. */
    parked: z.array(z.object({ key: z.string(), position: z.int(), error: z.string() })),
  })
  .meta({ id: 'ProjectionState' });
export type ProjectionState = z.infer<typeof projectionState>;

/** `silent`: nobody answers for it on the bus. `failing`: it answers with an error. */
const serviceState = z.object({
  name: z.string(),
  state: z.enum(['answering', 'silent', 'failing']),
  deadLetters: z.int().nullable(),
});

/** The evaluator's minute buckets: `building` of `series` are being made from the journal, `done` of `of` messages read. */
export const bucketsState = z
  .object({
    partitionsToRebuild: z.int(),
    series: z.int(),
    building: z.int(),
    done: z.int(),
    of: z.int(),
  })
  .meta({ id: 'BucketsState' });
export type BucketsState = z.infer<typeof bucketsState>;

export const systemState = z
  .object({
    now: timestamp,
    /** Position of the last event of the control log. */
    head: z.int(),
    journals: z.array(journalState),
    projections: z.array(projectionState),
    /** Null when no evaluator answers. */
    buckets: bucketsState.nullable(),
    services: z.array(serviceState),
    streams: z.object({ connections: z.int() }),
  })
  .meta({ id: 'SystemState' });
export type SystemState = z.infer<typeof systemState>;

/** Events of one key that wait because the first of them could not be handled. */
export const deadLetter = z
  .object({
    service: z.string(),
    consumer: z.string(),
    key: z.string(),
    events: z.int(),
    /** Of the first one. */
    position: z.int(),
    type: z.string(),
    eventId: z.string(),
    error: z.string().nullable(),
    attempts: z.int(),
    parkedAt: timestamp,
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof deadLetter>;

/** `notListed`: events and messages that wait besides those of all pages; they are listed when earlier ones are gone. */
export const deadLetterList = listOf(deadLetter).extend({ notListed: z.int() });

/** Without a key: all of the service. */
export const deadLetterRetry = z.strictObject({ key: z.string().min(1).max(300).optional() });

export const deadLetterRetried = z
  .object({ replayed: z.int(), remaining: z.int(), error: z.string().nullable() })
  .meta({ id: 'DeadLetterRetried' });
