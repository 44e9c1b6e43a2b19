const secretName =
  /^(authorization|proxy-authorization|cookie|set-cookie|token|password|passwd|secret|secretkey|secret_key|apikey|api_key|bellwether_token|bellwether_secret_key|database_url|nats_url)$/i;
const urlCredentials = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;
const bearer = /\b(bearer\s+)[\x21-\x7e]+/gi;
const webhookSecret = /\bwhsec_[A-Za-z0-9+/=_-]+/g;
const hidden = '[redacted]';
const deepest = 6;

/** Hides what a text may give away: credentials in addresses, bearer tokens, webhook secrets. */
export function redactText(text: string): string {
  return text
    .replace(urlCredentials, `$1${hidden}@`)
    .replace(bearer, `$1${hidden}`)
    .replace(webhookSecret, hidden);
}

/**
 * A copy of a log record without secrets: values under a secret's name are hidden, texts are searched for
 * credentials. Cycles and depth end in a mark instead of an error: a log line must never fail the work it tells of.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return value;
  if (depth >= deepest) return '[deeper]';
  if (value instanceof Error) return redactError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => redact(item, depth + 1));
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    copy[name] = secretName.test(name) && item !== undefined ? hidden : redact(item, depth + 1);
  }
  return copy;
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = { type: error.name, message: redactText(error.message) };
  if (error.stack !== undefined) copy.stack = redactText(error.stack);
  if (error.cause !== undefined) copy.cause = redact(error.cause, depth + 1);
  if (error instanceof AggregateError) copy.errors = redact(error.errors, depth + 1);
  for (const [name, item] of Object.entries(error)) {
    if (!(name in copy)) copy[name] = secretName.test(name) ? hidden : redact(item, depth + 1);
  }
  return copy;
}
