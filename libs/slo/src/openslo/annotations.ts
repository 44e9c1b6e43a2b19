import type { Cursor } from '../interchange/cursor.js';
import { isEqual } from '../interchange/definitions.js';

/** Annotations with this prefix hold, as JSON, what OpenSLO has no field for. They win over what the fields say. */
export const ANNOTATION = 'bellwether.internal/';

type Fields = Record<string, unknown>;

/**
 * The annotations that turn `carried`, what OpenSLO's own fields say of a resource, into the resource: one for each
 * field that differs. A field that must not be there at all is `null`.
 */
export function annotationsFor(resource: Fields, carried: Fields): Record<string, string> {
  const fields = [...new Set([...Object.keys(resource), ...Object.keys(carried)])];
  return Object.fromEntries(
    fields
      .filter((field) => !isEqual(resource[field], carried[field]))
      .map((field) => [`${ANNOTATION}${field}`, JSON.stringify(resource[field] ?? null)]),
  );
}

/** The annotations of an object as fields of a resource. */
export function annotated(metadata: Cursor): Fields {
  const fields: Fields = {};
  for (const [key, annotation] of metadata.at('annotations').entries()) {
    if (!key.startsWith(ANNOTATION)) continue;
    try {
      fields[key.slice(ANNOTATION.length)] = JSON.parse(annotation.text() ?? '');
    } catch {
      annotation.fault('must be JSON');
    }
  }
  return fields;
}

/** The annotation that a field of a resource is in; undefined when it is in none. */
export function annotationOf(metadata: Cursor, path: string): Cursor | undefined {
  const annotation = metadata.at('annotations').at(`${ANNOTATION}${path.split('.')[0]}`);
  return annotation.present ? annotation : undefined;
}

/** What the fields say, put right by the annotations. */
export function withAnnotations(carried: Fields, fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries({ ...carried, ...fields }).filter(([, value]) => value !== null && value !== undefined),
  );
}
