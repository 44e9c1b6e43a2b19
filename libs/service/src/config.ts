import { type EscalationTarget, httpUrl, resourceName } from '@bellwether/contracts';
import { z } from 'zod';

/** The environment does not describe a service that could run. `message` lists every variable at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    /** One entry per variable that is missing or wrong. The value itself is never repeated: it may be a secret. */
    readonly problems: { variable: string; message: string; remedy: string | undefined }[],
  ) {
    super(
      [
        'The environment of this service is not complete:',
        ...problems.map(({ variable, message, remedy }) =>
          remedy === undefined
            ? `  ${variable}: ${message}`
            : `  ${variable}: ${message}. Expected: ${remedy}`,
        ),
      ].join('\n'),
    );
  }
}

const port = (fallback: number, meaning: string) =>
  z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(fallback)
    .describe(`${meaning}, a port (0 = any free one)`);

const secretKey = z
  .string()
  .refine((text) => /^[A-Za-z0-9+/]{43}=$/.test(text), 'is not 32 bytes in base64')
  .describe('32 random bytes in base64, for instance from `openssl rand -base64 32`');

/**
 * The variables every service knows. Keys are the variables' own names, so that an error, the documentation
 * and the code speak of the same thing. A service adds its own with `serviceConfig.extend({…})`.
 */
export const serviceConfig = z.object({
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .describe('the address of PostgreSQL, postgres://user:password@host:5432/database'),
  NATS_URL: z
    .string()
    .regex(
      /^((nats|tls|ws|wss):\/\/)?[^\s,]+(,((nats|tls|ws|wss):\/\/)?[^\s,]+)*$/,
      'is not an address of NATS',
    )
    .describe(
      'the address of NATS with the services’ account, nats://user:password@host:4222 (several: comma)',
    ),
  BELLWETHER_ADMIN_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('the address that /healthz, /readyz and /metrics listen on'),
  BELLWETHER_ADMIN_PORT: port(0, 'the port of /healthz, /readyz and /metrics'),
  BELLWETHER_HTTP_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('the address that the public HTTP listens on'),
  BELLWETHER_API_PORT: port(8080, 'the public HTTP of api'),
  BELLWETHER_INGEST_PORT: port(8081, 'the public HTTP of ingest'),
  BELLWETHER_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'has characters that cannot stand in an HTTP header')
    .optional()
    .describe('the first admin token, visible ASCII without spaces'),
  BELLWETHER_SECRET_KEY: secretKey.optional(),
  BELLWETHER_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('one of trace, debug, info, warn, error, fatal, silent'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('the base address of an OTLP/HTTP collector, http://host:4318'),
  BELLWETHER_PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('the address people reach the api at, used in links of pages'),
  BELLWETHER_CLOCK_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('a file with an offset in milliseconds, for rehearsals only'),
});

const fallbackTarget = z.string().transform((text, context): EscalationTarget => {
  const [kind, name] = text.split(':', 2);
  if ((kind === 'user' || kind === 'schedule') && resourceName.safeParse(name).success) {
    return { kind, name: name as string };
  }
  if (httpUrl.safeParse(text).success) return { kind: 'webhook', address: text };
  context.addIssue({ code: 'custom', message: 'is not a target' });
  return z.NEVER;
});

/** Variables of the services that page, or say that nobody is: `serviceConfig.extend(installationTargets)`. */
export const installationTargets = {
  BELLWETHER_DEFAULT_POLICY: resourceName
    .default('default')
    .describe('the escalation policy of incidents whose SLO and service name none'),
  BELLWETHER_FALLBACK_TARGET: fallbackTarget
    .optional()
    .describe('who is paged when a policy ran out: user:<name>, schedule:<name> or a webhook URL'),
};

/** What {@link loadConfig} makes of {@link serviceConfig}. */
export type ServiceConfig = z.infer<typeof serviceConfig>;

/**
 * Reads the configuration from the environment. An empty variable counts as unset, as in compose files.
 *
 * @throws ConfigError naming every variable that is missing or wrong, and what it should be.
 */
export function loadConfig<S extends z.ZodObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>> = process.env,
): z.infer<S> {
  const given: Record<string, string> = {};
  for (const variable of Object.keys(schema.shape)) {
    const value = env[variable];
    if (value !== undefined && value !== '') given[variable] = value;
  }
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => {
      const variable = String(issue.path[0] ?? '(environment)');
      return {
        variable,
        message: variable in given ? wrong(issue) : 'is not set',
        remedy: description(schema.shape[variable]),
      };
    }),
  );
}

/** Where people reach the api: `BELLWETHER_PUBLIC_URL`, else the api's own port on this machine. No trailing slash. */
export function publicUrl(
  config: Pick<ServiceConfig, 'BELLWETHER_PUBLIC_URL' | 'BELLWETHER_API_PORT'>,
): string {
  return (config.BELLWETHER_PUBLIC_URL ?? `http://127.0.0.1:${config.BELLWETHER_API_PORT}`).replace(
    /\/+$/,
    '',
  );
}

// zod's own messages may quote what was received; only the ones written above are known not to.
function wrong(issue: { code?: string | undefined; message: string }): string {
  return issue.code === 'custom' || issue.message.startsWith('is not') || issue.message.startsWith('has ')
    ? issue.message
    : 'is not valid';
}

function description(schema: unknown): string | undefined {
  if (!(schema instanceof z.ZodType)) return undefined;
  return schema.description ?? (schema instanceof z.ZodOptional ? description(schema.unwrap()) : undefined);
}
