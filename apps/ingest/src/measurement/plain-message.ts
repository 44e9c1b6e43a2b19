import { MeasurementLimits } from '@bellwether/contracts';
import { isStructured, type MeasurementEvent, structuredEvent } from './cloud-event.js';
import { readPlainPoints } from './plain-points.js';
import type { Points, PointsContext } from './points.js';

/** A message of the common form. */
export interface PlainMessage {
  points: Points;
  /** Of a CloudEvent in structured mode; null when the body is the bare measurement. */
  event: MeasurementEvent | null;
}

const data = Buffer.from(',"data":{"points":[');
const beforeData = ',"data":'.length;
const blank = /^[ \t\r\n]*$/;
const braceAlone = /^[ \t\r\n]*\}[ \t\r\n]*$/;
const longestRest = 64;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the body of a message of the common form: plain points, bare or as the last member of a CloudEvent in
 * structured mode, as `libs/client` writes it. Null for any other, and for whatever is to be refused.
 */
export function readPlainMessage(bytes: Uint8Array, context: PointsContext): PlainMessage | null {
  if (bytes.length > MeasurementLimits.bytes) return null;
  const bare = readPlainPoints(bytes, 0, context);
  if (bare !== null) return endsWith(bytes, bare.end, blank) ? { points: bare.points, event: null } : null;
  const split = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(data);
  if (split < 0) return null;
  const event = eventOf(bytes.subarray(0, split));
  if (event === null) return null;
  const read = readPlainPoints(bytes, split + beforeData, context);
  if (read === null || !endsWith(bytes, read.end, braceAlone)) return null;
  return { points: read.points, event };
}

/** The CloudEvent without its data. When what stands before a comma is whole members, the comma parts members. */
function eventOf(members: Uint8Array): MeasurementEvent | null {
  try {
    const attributes: unknown = JSON.parse(`${utf8.decode(members)}}`);
    if (!isStructured(attributes) || 'data' in attributes || 'data_base64' in attributes) return null;
    return structuredEvent({ ...attributes, data: null });
  } catch {
    return null;
  }
}

/** Whether nothing but white space, or a closing brace between some, is left. */
function endsWith(bytes: Uint8Array, from: number, rest: RegExp): boolean {
  return bytes.length - from <= longestRest && rest.test(String.fromCharCode(...bytes.subarray(from)));
}
