import { MeasurementLimits } from '@bellwether/contracts';
import { Refusal } from './refusal.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses the body of a message: at most 1 MiB of strict UTF-8 JSON.
 *
 * @throws Refusal
 */
export function parseBody(bytes: Uint8Array): unknown {
  if (bytes.length > MeasurementLimits.bytes) throw Refusal.tooLarge('the body is larger than 1 MiB');
  if (bytes.length === 0) throw Refusal.malformed('the body is empty');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw Refusal.malformed('the body is not UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    throw Refusal.malformed('the body is not JSON');
  }
}
