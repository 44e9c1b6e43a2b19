import { readFileSync } from 'node:fs';
import { type LabelledIncident, labelledIncident } from '@bellwether/contracts';
import { z } from 'zod';
import { CliError, ExitCode } from '../errors.js';
import { instantOf } from './instant.js';
import { columnOf, openTable } from './table-file.js';

/** Which columns of a file of incidents are what, and how long they last where it does not say. */
export interface LabelOptions {
  labelStart?: string;
  labelEnd?: string;
  labelName?: string;
  labelService?: string;
  /** Milliseconds. */
  incidentLength?: number;
}

/** An incident, and the service that it is of, where that is said. */
export interface Label extends LabelledIncident {
  service: string | null;
}

/**
 * Reads labelled incidents: a CSV file with `start`, `end`, and where there are such columns `name` and `service`, or
 * a JSON array of objects with the same fields (`from` and `to` will do).
 * @throws CliError (usage) naming the place of what is no incident
 */
export async function readLabels(file: string, options: LabelOptions): Promise<Label[]> {
  return /[.]json$/.test(file) ? jsonLabels(file, options) : await csvLabels(file, options);
}

async function csvLabels(file: string, options: LabelOptions): Promise<Label[]> {
  const { columns, rows } = await openTable(file);
  const named = (given: string | undefined, option: string, ...names: string[]): number | null => {
    if (given !== undefined) return columnOf(file, columns, given, option);
    const found = names.find((name) => columns.includes(name));
    return found === undefined ? null : columns.indexOf(found);
  };
  const start = named(options.labelStart, '--label-start', 'start', 'from');
  const end = named(options.labelEnd, '--label-end', 'end', 'to');
  const name = named(options.labelName, '--label-name', 'name');
  const service = named(options.labelService, '--label-service', 'service');
  if (start === null)
    throw new CliError(`${file} has no column "start"; name the one with --label-start`, ExitCode.usage, [
      `its columns are ${columns.join(', ')}`,
    ]);
  const labels: Label[] = [];
  for await (const { cells, line } of rows) {
    const cell = (place: number | null): string | undefined =>
      place === null || cells[place] === '' ? undefined : cells[place];
    const fields = { start: cell(start), end: cell(end), name: cell(name), service: cell(service) };
    labels.push(labelOf(fields, options, `${file}:${line}`));
  }
  return labels;
}

const jsonLabel = z.object({
  start: z.union([z.string(), z.number()]).optional(),
  from: z.union([z.string(), z.number()]).optional(),
  end: z.union([z.string(), z.number()]).optional(),
  to: z.union([z.string(), z.number()]).optional(),
  name: z.string().optional(),
  service: z.string().optional(),
});

function jsonLabels(file: string, options: LabelOptions): Label[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${(error as Error).message}`, ExitCode.usage);
  }
  const labels = z.array(jsonLabel).safeParse(parsed);
  if (!labels.success)
    throw new CliError(`${file} is not an array of {start, end, name, service}`, ExitCode.usage);
  return labels.data.map(({ start, from, end, to, name, service }, i) => {
    const text = (value: string | number | undefined) => (value === undefined ? undefined : String(value));
    const fields = { start: text(start ?? from), end: text(end ?? to), name, service };
    return labelOf(fields, options, `${file}[${i}]`);
  });
}

function labelOf(
  fields: Record<'start' | 'end' | 'name' | 'service', string | undefined>,
  { incidentLength }: LabelOptions,
  where: string,
): Label {
  const fault = (message: string): CliError => new CliError(`${where}: ${message}`, ExitCode.usage);
  const time = (field: 'start' | 'end'): number | null => {
    const text = fields[field];
    if (text === undefined) return null;
    const at = instantOf(text);
    if (at === null) throw fault(`${field}: "${text}" is not a time`);
    return at;
  };
  const from = time('start');
  if (from === null) throw fault('has no start');
  const to = time('end') ?? (incidentLength === undefined ? null : from + incidentLength);
  if (to === null) throw fault('has no end; say how long incidents last with --incident-length');
  const label = labelledIncident.safeParse({
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    ...(fields.name === undefined ? {} : { name: fields.name }),
  });
  if (!label.success)
    throw fault(label.error.issues[0]?.message.replace('before from', 'before its start') ?? '');
  return { ...label.data, service: fields.service ?? null };
}

/** Those that an SLO is held against: of its service, or of none in particular. */
export const labelsOf = (labels: readonly Label[], service: string): LabelledIncident[] =>
  labels
    .filter((label) => label.service === null || label.service === service)
    .map(({ service: _, ...incident }) => incident);
