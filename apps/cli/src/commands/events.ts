import { type EventEnvelope, eventTypeFilter, isEventType } from '@bellwether/contracts';
import type { Command } from 'commander';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import pc from 'picocolors';
import { CliError, ExitCode } from '../errors.js';
import { refusalOf } from '../http.js';
import { number, type OpenSession, present, render, type Session } from './command.js';

interface EventOptions {
  type?: string;
  key?: string;
  correlation?: string;
  after?: string;
  limit?: number;
  last?: number;
}

type Filter = Pick<EventOptions, 'type' | 'key' | 'correlation'>;

/** Events that are listed unless it is said how many. */
const SHOWN = 50;
/** Events of a page that the api answers, at most. */
const PAGE = 500;

/** `events list` and `events tail`. */
export function eventCommands(program: Command, open: OpenSession): void {
  const events = program.command('events').description('the log');
  const filters = (command: Command) =>
    command
      .option(
        '--type <type>',
        'such as incident.declared, or a family such as incident; several with commas',
        typesOrFamilies,
      )
      .option('--key <key>', 'aggregate, such as INC-42')
      .option('--correlation <id>', 'one story');
  filters(events.command('list', { isDefault: true }).description('the log, oldest first'))
    .option('--after <position>', 'events after this position; the first of all without it')
    .option('--limit <n>', `at most so many (default: ${SHOWN})`, count)
    .option('--last <n>', 'the newest so many, in place of --after and --limit', count)
    .action(async (options: EventOptions, command: Command) => {
      const { last, limit = SHOWN, after = '0', ...filter } = options;
      if (last !== undefined && (options.after ?? options.limit) !== undefined)
        throw new CliError('--last is in place of --after and --limit', ExitCode.usage);
      const session = open(command);
      const rows =
        last === undefined
          ? await oldest(session, after, limit + 1, filter)
          : (await newest(session, last, filter)).rows;
      const list = last === undefined ? rows.slice(0, limit) : rows;
      present(session, list, (each) => (each.length === 0 ? 'no events' : each.map(line).join('\n')));
      // A program that takes what it was given for all there is must be able to see that there is more.
      if (rows.length > list.length)
        session.output.err(
          `there are more: go on with --after ${list.at(-1)?.position}, or see the newest with --last ${limit}`,
        );
    });
  filters(events.command('tail').description('the log, live; survives restarts of the server'))
    .option('--after <position>', 'begin after this position; without it: from now on')
    .option('--last <n>', 'begin with the newest so many, in place of --after', count)
    .option('--limit <n>', 'stop after so many', count)
    .action(async (options: EventOptions, command: Command) => tail(open(command), options));
}

/** The events after a position, as they are listed in pages. @param most that are wanted, as far as that is known */
function listed(
  { http }: Session,
  after: string | number,
  most: number,
  filter: Filter,
): AsyncIterable<EventEnvelope> {
  const query = new URLSearchParams({ ...filter, after: String(after), limit: String(Math.min(most, PAGE)) });
  return http.list<EventEnvelope>(`/v1/events?${query}`);
}

/** The first events after a position, at most so many. */
async function oldest(
  session: Session,
  after: string | number,
  most: number,
  filter: Filter,
): Promise<EventEnvelope[]> {
  const rows: EventEnvelope[] = [];
  for await (const event of listed(session, after, most, filter)) {
    rows.push(event);
    if (rows.length >= most) break;
  }
  return rows;
}

/**
 * The last events of the log, at most so many, the oldest of them first, and its end then. The api lists from a position on: it is asked
 * for spans from the end backwards, each four times as long as the one after it, until they have enough.
 */
async function newest(
  session: Session,
  most: number,
  filter: Filter,
): Promise<{ rows: EventEnvelope[]; head: number }> {
  const { head } = (await session.http.get<{ head: number }>('/v1/system')).body;
  let end = head;
  let rows: EventEnvelope[] = [];
  for (let length = most; rows.length < most && end > 0; length *= 4) {
    const start = Math.max(0, end - length);
    rows = [...(await within(session, start, end, filter)), ...rows];
    end = start;
  }
  return { rows: rows.slice(-most), head };
}

/** The events after `start` and up to `end`. */
async function within(
  session: Session,
  start: number,
  end: number,
  filter: Filter,
): Promise<EventEnvelope[]> {
  const rows: EventEnvelope[] = [];
  for await (const event of listed(session, start, end - start, filter)) {
    if (event.position > end) break;
    rows.push(event);
    if (event.position === end) break;
  }
  return rows;
}

/** Types as the api takes them: a word that is none is a family, `incident` is `incident.*`. @throws CliError (usage) */
const typesOrFamilies = (text: string): string => {
  const filter = text
    .split(',')
    .map((part) => part.trim())
    .map((part) => (isEventType(part) || /(\.\*|\.v\d+)$/.test(part) ? part : `${part}.*`))
    .join(',');
  const fault = eventTypeFilter.safeParse(filter).error?.issues[0]?.message;
  if (fault !== undefined) throw new CliError(`--type ${fault}`, ExitCode.usage);
  return filter;
};

/** @throws CliError (usage) */
const count = (text: string): number => {
  const value = number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new CliError(`"${text}" is not a number from 1`, ExitCode.usage);
  return value;
};

/** Follows the event stream and resumes from the last position when the connection breaks. */
async function tail(session: Session, options: EventOptions): Promise<void> {
  const { after, limit, last, ...filter } = options;
  if (after !== undefined && last !== undefined)
    throw new CliError('--last is in place of --after', ExitCode.usage);
  let left = limit ?? Number.POSITIVE_INFINITY;
  // A document a line, so that a program can read it as it comes.
  const show = (event: EventEnvelope) =>
    session.output.out(
      session.context.output === 'json' ? JSON.stringify(event) : render(session, event, line),
    );
  let position = after;
  if (position === undefined) {
    const { rows, head } = await newest(session, last ?? 0, filter);
    for (const event of rows.slice(0, left)) show(event);
    left -= rows.length;
    position = String(head);
  }
  let isLive = false;
  for (let failures = 0; left > 0; ) {
    try {
      const response = await session.http.raw(
        'GET',
        `/v1/stream?${new URLSearchParams(filter as Record<string, string>)}`,
        {
          accept: 'text/event-stream',
          headers: { 'last-event-id': position },
        },
      );
      if (!response.ok || !response.body) throw await refusalOf(response, session.context);
      if (failures > 0) session.output.err(pc.green('connected again'));
      else if (session.context.output === 'table' && !isLive)
        session.output.err(pc.dim(`the log after position ${position}, live; Ctrl-C ends it`));
      isLive = true;
      failures = 0;
      for await (const message of response.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream())) {
        if (message.id) position = message.id;
        if (!message.data) continue;
        show(JSON.parse(message.data) as EventEnvelope);
        if (--left <= 0) return;
      }
    } catch (error) {
      if (error instanceof CliError && (error.exitCode !== ExitCode.unreachable || !isLive)) throw error;
      failures++;
      if (failures === 1)
        session.output.err(pc.yellow(`connection lost; trying again after position ${position}`));
    }
    const pause = Math.min(250 * 2 ** failures, 5_000);
    await session.pause(pause);
  }
}

const line = (event: EventEnvelope): string =>
  `${String(event.position).padStart(8)}  ${event.time}  ${pc.bold(event.type.replace(/^bellwether\.|\.v\d+$/g, '').padEnd(26))} ${event.subject}  ${pc.dim(event.actor)}`;
