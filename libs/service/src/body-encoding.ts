import type { IncomingHttpHeaders } from 'node:http';
import { HttpProblem } from './problem.js';

const CHARSET = /;\s*charset\s*=\s*"?([^";\s]+)/i;

/**
 * What is wrong with the encoding of a body; null: it is plain UTF-8. Anything else would be read as something that
 * nobody wrote.
 * @returns a 415 to answer with
 */
export function encodingFault(headers: IncomingHttpHeaders): HttpProblem | null {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8') return HttpProblem.mediaType('bodies are UTF-8');
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  return encoding === 'identity' ? null : HttpProblem.mediaType('bodies are taken without content encoding');
}
