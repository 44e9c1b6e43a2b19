import { isStorable, type Labels, MOST_LABELS, TOO_MANY_LABELS } from '@bellwether/contracts';

/** Labels of a point or a message, with their canonical text. */
export interface LabelSet {
  labels: Labels | undefined;
  /** Empty without labels; the same whatever the order in which they were written. */
  key: string;
}

export const NO_LABELS: LabelSet = { labels: undefined, key: '' };

type Fault = (path: string, message: string) => void;

// Other names are not repeated in a fault: they are the publisher's text, and may be anything of any length.
const sayableName = /^[\w.\-/]{1,63}$/;

/** Reads `labels` of parsed JSON. */
export function readLabels(labels: unknown, fault: Fault): LabelSet {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    fault('labels', 'must be an object of texts');
    return NO_LABELS;
  }
  const names = Object.keys(labels).sort();
  if (names.length > MOST_LABELS) {
    fault('labels', `must have at most ${MOST_LABELS} labels`);
    return NO_LABELS;
  }
  // Without a prototype "__proto__" is a name like any other.
  const kept: Labels = Object.create(null);
  for (const name of names) {
    const value = (labels as Record<string, unknown>)[name];
    const path = sayableName.test(name) ? `labels.${name}` : 'labels';
    if (!isStorable(name)) fault(path, 'must have names without NUL or lone surrogates');
    else if (typeof value !== 'string') fault(path, 'must be a text');
    else if (!isStorable(value)) fault(path, 'must not contain NUL or lone surrogates');
    else kept[name] = value;
  }
  return names.length === 0 ? NO_LABELS : { labels: kept, key: JSON.stringify(kept) };
}

/** A point's own labels, with those of its message that it does not have itself. */
export function withCommon(own: LabelSet, common: LabelSet, fault: Fault): LabelSet {
  if (common.labels === undefined) return own;
  if (own.labels === undefined) return common;
  const names = [...new Set([...Object.keys(common.labels), ...Object.keys(own.labels)])].sort();
  if (names.length > MOST_LABELS) {
    fault('labels', TOO_MANY_LABELS);
    return NO_LABELS;
  }
  const both: Labels = Object.create(null);
  for (const name of names) both[name] = (name in own.labels ? own.labels : common.labels)[name] as string;
  return { labels: both, key: JSON.stringify(both) };
}
