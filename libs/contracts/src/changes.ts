import { z } from 'zod';
import { changeRecorded } from './events/slo.js';
import { httpUrl, text } from './names.js';
import { timestamp } from './time.js';

/** What is told of a deploy or another change; `at` defaults to now, `actor` to whose token it is. */
export const change = z
  .strictObject({
    service: changeRecorded.shape.service,
    kind: changeRecorded.shape.kind,
    /** What the service is at from now on: a version, a revision, the name of a flag and its state. */
    version: text(200),
    url: httpUrl.optional(),
    at: timestamp.optional(),
    actor: text(200).optional(),
  })
  .meta({ id: 'Change' });
export type Change = z.infer<typeof change>;

/** Where the log has a change. */
export const changeReceipt = z
  .object({ eventId: z.string(), position: z.int().min(1) })
  .meta({ id: 'ChangeReceipt' });
export type ChangeReceipt = z.infer<typeof changeReceipt>;
