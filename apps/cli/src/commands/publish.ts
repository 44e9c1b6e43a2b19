import { readFileSync } from 'node:fs';
import { faultsOf, type MeasurementReceipt, measurementBody } from '@bellwether/contracts';
import type { Command } from 'commander';
import { CliError, ExitCode } from '../errors.js';
import { collect, number, type OpenSession, present, type Session, warn } from './command.js';

interface PublishOptions {
  good?: number;
  bad?: number;
  total?: number;
  value?: number;
  count?: number;
  at?: string;
  label?: string[];
  file?: string;
  id?: string;
}

/** `publish`: measurements by hand or from a file, accepted when the command returns. */
export function publishCommand(program: Command, open: OpenSession): void {
  program
    .command('publish')
    .argument('<service>')
    .argument('<sli>')
    .description('publish measurements; returns when they are in the log')
    .option('--good <n>', 'good events since the last report', number)
    .option('--bad <n>', 'bad events since the last report', number)
    .option('--total <n>', 'all events since the last report', number)
    .option('--value <x>', 'one observation', number)
    .option('--count <n>', 'how many observations the value stands for', number)
    .option('--at <time>', 'when (RFC 3339); now when left out')
    .option('--label <name=value>', 'a label of the points, as often as needed', collect)
    .option('-f, --file <path>', 'a JSON body ({"points": [...]} or one point); - is standard input')
    .option('--id <id>', 'identity: the same one is recorded once within 7 days')
    .action(async (service: string, sli: string, options: PublishOptions, command: Command) => {
      const session = open(command);
      const labels = labelsOf(options.label);
      const body = labelled(options.file ? readBody(options.file) : pointOf(options), labels);
      const checked = measurementBody.safeParse(body);
      if (!checked.success) {
        throw new CliError(
          'the measurement is not valid',
          ExitCode.usage,
          faultsOf(checked.error).map((f) => `${f.path || '(root)'}: ${f.message}`),
        );
      }
      const isNew = await isUnheardOf(session, service, sli);
      const { body: receipt } = await session.http.post<MeasurementReceipt>(
        `/v1/measurements/${pathOf(service, sli)}`,
        body,
        { base: 'ingest', headers: options.id ? { 'idempotency-key': options.id } : {} },
      );
      // A misspelt name is taken as well as any: it would only be missed where the measurement was meant to be.
      if (isNew)
        warn(session, {
          warnings: [`${service}/${sli} is new, and no SLO or rule reads it: is the name right?`],
        });
      present(session, receipt, (r) => `accepted ${r.accepted}, duplicates ${r.duplicates}`);
    });
}

const pathOf = (service: string, sli: string) => `${encodeURIComponent(service)}/${encodeURIComponent(sli)}`;

/**
 * Whether an SLI is not known, and nothing is defined that reads it; false where that cannot be told: whoever may publish
 * need not be able to read.
 */
async function isUnheardOf({ http }: Session, service: string, sli: string): Promise<boolean> {
  try {
    if ((await http.find(`/v1/slis/${pathOf(service, sli)}`)) !== undefined) return false;
    for (const path of ['/v1/slos', '/v1/rules'])
      for await (const reads of http.list<{ service: string; sli?: string }>(path))
        if (reads.service === service && reads.sli === sli) return false;
    return true;
  } catch {
    return false;
  }
}

function pointOf({ good, bad, total, value, count, at }: PublishOptions): unknown {
  const point = Object.fromEntries(
    Object.entries({ good, bad, total, value, count, at }).filter(([, v]) => v !== undefined),
  );
  if (Object.keys(point).length === 0)
    throw new CliError('give --good or --bad with --total, or --value, or --file', ExitCode.usage);
  if (value === undefined && ((good ?? bad) === undefined || total === undefined))
    throw new CliError('counts are two numbers: --good or --bad, and --total', ExitCode.usage);
  return point;
}

/** @throws CliError (usage) */
function labelsOf(given: readonly string[] = []): Record<string, string> {
  const labels = given.map((label) => {
    const equals = label.indexOf('=');
    if (equals < 1) throw new CliError(`"${label}" is not a label such as region=eu`, ExitCode.usage);
    return [label.slice(0, equals), label.slice(equals + 1)] as const;
  });
  return Object.fromEntries(labels);
}

/** A body with labels of all its points that do not have them themselves. */
function labelled(body: unknown, labels: Record<string, string>): unknown {
  if (Object.keys(labels).length === 0 || typeof body !== 'object' || body === null) return body;
  const own = (body as { labels?: object }).labels;
  return { ...body, labels: { ...labels, ...own } };
}

function readBody(file: string): unknown {
  let source: string;
  try {
    source = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch {
    throw new CliError(`${file} cannot be read`, ExitCode.usage);
  }
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new CliError(`${file} is not JSON: ${(error as Error).message}`, ExitCode.usage);
  }
}
