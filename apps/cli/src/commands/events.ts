import { type EventEnvelope, type Explanation, isEventType } from '@bellwether/contracts';
import type { Command } from 'commander';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import pc from 'picocolors';
import { CliError, ExitCode } from '../errors.js';
import { refusalOf } from '../http.js';
import { type OpenSession, present, type Session } from './command.js';

interface TailOptions {
  type?: string;
  key?: string;
  correlation?: string;
  after?: string;
  limit?: string;
}

/** `events tail`, `events list` and `explain`. */
export function eventCommands(program: Command, open: OpenSession): void {
  const events = program.command('events').description('the log');
  const filters = (command: Command) =>
    command
      .option('--type <type>', 'such as incident.declared, or a family such as incident', typeOrFamily)
      .option('--key <key>', 'aggregate, such as INC-42')
      .option('--correlation <id>', 'one story');
  filters(events.command('list').description('the log, oldest first'))
    .option('--after <position>', 'events after this position', '0')
    .option('--limit <n>', 'at most so many', '50')
    .action(async ({ limit, ...query }: TailOptions, command: Command) => {
      const session = open(command);
      const rows: EventEnvelope[] = [];
      for await (const event of session.http.list<EventEnvelope>(
        `/v1/events?${new URLSearchParams({ ...query, limit: String(Math.min(Number(limit), 500)) })}`,
      )) {
        rows.push(event);
        if (rows.length >= Number(limit)) break;
      }
      present(session, rows, (list) => (list.length === 0 ? 'no events' : list.map(line).join('\n')));
    });
  filters(events.command('tail').description('the log, live; survives restarts of the server'))
    .option('--after <position>', 'begin after this position; without it: from now on')
    .option('--limit <n>', 'stop after so many')
    .action(async (options: TailOptions, command: Command) => tail(open(command), options));

  program
    .command('explain')
    .argument('<id>', 'an event id, a page (INC-42-P1) or an incident (INC-42)')
    .description('why: from a page or an event back to the measurements')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.get<Explanation>(`/v1/explain/${encodeURIComponent(id)}`);
      present(session, body, (e) =>
        e.chain
          .map(
            (link, i) =>
              `${'  '.repeat(i)}${i === 0 ? '' : '└ '}${pc.bold(link.type)} ${link.at}\n${'  '.repeat(i + 1)}${link.summary}  ${pc.dim(link.eventId)}`,
          )
          .join('\n'),
      );
    });
}

/** The api takes a type, or a family as `incident.*`. */
const typeOrFamily = (text: string): string =>
  isEventType(text) || text.endsWith('.*') ? text : `${text}.*`;

/** Follows the event stream and resumes from the last position when the connection breaks. */
async function tail(session: Session, options: TailOptions): Promise<void> {
  const { after, limit, ...filter } = options;
  let last: string | undefined = after;
  let left = limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  for (let failures = 0; left > 0; ) {
    try {
      const response = await session.http.raw(
        'GET',
        `/v1/stream?${new URLSearchParams(filter as Record<string, string>)}`,
        {
          accept: 'text/event-stream',
          ...(last === undefined ? {} : { headers: { 'last-event-id': last } }),
        },
      );
      if (!response.ok || !response.body) throw await refusalOf(response, session.context);
      failures = 0;
      for await (const message of response.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream())) {
        if (message.id) last = message.id;
        if (!message.data) continue;
        const event = JSON.parse(message.data) as EventEnvelope;
        session.output.out(session.context.output === 'json' ? JSON.stringify(event) : line(event));
        if (--left <= 0) return;
      }
    } catch (error) {
      if (error instanceof CliError && (error.exitCode !== ExitCode.unreachable || last === undefined))
        throw error;
      failures++;
      if (failures > 60) throw error;
      session.output.err(pc.yellow(`connection lost; trying again after position ${last ?? 'now'}`));
    }
    const pause = Math.min(250 * 2 ** failures, 5_000);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

const line = (event: EventEnvelope): string =>
  `${String(event.position).padStart(8)}  ${event.time}  ${pc.bold(event.type.replace(/^bellwether\.|\.v\d+$/g, '').padEnd(26))} ${event.subject}  ${pc.dim(event.actor)}`;
