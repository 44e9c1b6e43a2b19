import { z } from 'zod';
import { role } from '../events/oncall.js';
import { resourceName } from '../names.js';
import { timestamp } from '../time.js';
import { incident, timelineEntry } from '../views/views.js';

/** What is left to read of an incident: its state, its times, its people and its timeline, all from the log. */
export const incidentReport = z
  .looseObject({
    incident,
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
const projectionState = z.object({
  name: z.string(),
  version: z.int(),
  position: z.int(),
  head: z.int(),
  lag: z.int(),
  building: z.object({ version: z.int(), position: z.int() }).nullable(),
  halted: z.object({ position: z.int(), error: z.string() }).nullable(),
});

/** `silent`: nobody answers for it on the bus. */
const serviceState = z.object({
  name: z.string(),
  state: z.enum(['answering', 'silent', 'failing']),
  deadLetters: z.int().nullable(),
});

export const systemState = z
  .object({
    now: timestamp,
    journals: z.array(journalState),
    projections: z.array(projectionState),
    services: z.array(serviceState),
    streams: z.object({ connections: z.int() }),
  })
  .meta({ id: 'SystemState' });
export type SystemState = z.infer<typeof systemState>;

export const deadLetter = z
  .object({
    service: z.string(),
    consumer: z.string(),
    key: z.string(),
    position: z.int(),
    type: z.string(),
    eventId: z.string(),
    /** Null for an event that only queues behind one that failed. */
    error: z.string().nullable(),
    attempts: z.int(),
    parkedAt: timestamp,
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof deadLetter>;

export const deadLetterRetry = z
  .strictObject({
    service: resourceName,
    consumer: z.string().min(1).max(200),
    key: z.string().min(1).max(300),
  })
  .meta({ id: 'DeadLetterRetry' });

export const deadLetterRetried = z
  .object({ replayed: z.int(), remaining: z.int(), error: z.string().nullable() })
  .meta({ id: 'DeadLetterRetried' });
