import { z } from 'zod';

/**
 * A resource name: a lower-case DNS label (RFC 1123), at most 63 characters, so that each name is exactly one NATS
 * subject token and can stand in a URL as it is.
 */
export const resourceName = z
  .string()
  .max(63, 'must be at most 63 characters')
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'must be a lower-case DNS label: letters a-z, digits and "-", starting and ending with a letter or digit',
  )
  .meta({ id: 'ResourceName' });

/** In the metadata of a schema: its default only says that the field was left out; what stands there is worked out. */
export const IMPLIED_DEFAULT = 'x-implied-default';

/** Labels that a point, or whatever else has labels, may have. */
export const MOST_LABELS = 16;

const NUL = String.fromCharCode(0);

/** Whether Postgres and JSON can hold the text: no NUL, no lone surrogate. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes(NUL);
}

/** Free text of 1 to `max` characters that the log can store (no NUL, no lone surrogates). */
export const text = (max: number, min = 1) =>
  z
    .string()
    .min(min, min === 1 ? 'must not be empty' : `must be at least ${min} characters`)
    .max(max, `must be at most ${max} characters`)
    .refine(isStorable, 'must not contain NUL or lone surrogates');

const label = z.string().refine(isStorable, 'must not contain NUL or lone surrogates');

/** Labels: at most 16, of any names and values that the log can store; how long they are, only the message bounds. */
export const labels = z
  .record(label, label)
  .refine((map) => Object.keys(map).length <= MOST_LABELS, `must have at most ${MOST_LABELS} labels`)
  .meta({ id: 'Labels', maxProperties: MOST_LABELS });
export type Labels = z.infer<typeof labels>;

/** An http or https URL. */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(2048)
  .refine(isStorable, 'must not contain NUL or lone surrogates');

/** `INC-<n>`, numbered from 1 without gaps. */
export const incidentId = z
  .string()
  .regex(/^INC-[1-9][0-9]{0,9}$/, 'must be an incident id such as INC-42')
  .meta({ id: 'IncidentId' });

/** `INC-<n>-P<k>`: the k-th page of an incident. */
export const pageId = z
  .string()
  .regex(/^INC-[1-9][0-9]{0,9}-P[1-9][0-9]{0,5}$/, 'must be a page id such as INC-42-P1')
  .meta({ id: 'PageId' });
