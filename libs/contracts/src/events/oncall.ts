import { z } from 'zod';
import { resourceName, text } from '../names.js';
import { escalationPolicy, override, schedule, user } from '../resources/oncall.js';
import { timestamp } from '../time.js';

export const userDefined = user;
export const scheduleDefined = schedule;
export const policyDefined = escalationPolicy;

export const scheduleOverridden = override.and(z.object({ id: z.string(), by: z.string() }));
export const scheduleOverrideWithdrawn = z.object({ schedule: resourceName, id: z.string(), by: z.string() });

export const role = z.enum(['publisher', 'viewer', 'responder', 'admin']).meta({ id: 'Role' });
export type Role = z.infer<typeof role>;

/** `hash` is the SHA-256 (hex) of the token; the token itself is shown once and stored nowhere. */
export const tokenCreated = z.object({
  id: z.string(),
  name: text(100),
  role,
  hash: z.string(),
  user: resourceName.optional(),
  expiresAt: timestamp.nullable(),
});
export const tokenRevoked = z.object({ id: z.string() });

export type ScheduleOverridden = z.infer<typeof scheduleOverridden>;
export type ScheduleOverrideWithdrawn = z.infer<typeof scheduleOverrideWithdrawn>;
export type TokenCreated = z.infer<typeof tokenCreated>;
export type TokenRevoked = z.infer<typeof tokenRevoked>;
