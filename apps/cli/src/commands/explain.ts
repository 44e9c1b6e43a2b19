import type { Explanation } from '@bellwether/contracts';
import type { Command } from 'commander';
import pc from 'picocolors';
import { CliError, ExitCode } from '../errors.js';
import { type OpenSession, present } from './command.js';

type Link = Explanation['chain'][number];

/** `explain`: the causes of an event, back to the measurements. */
export function explainCommand(program: Command, open: OpenSession): void {
  program
    .command('explain')
    .argument('<id>', 'an event id, a page (INC-42-P1) or an incident (INC-42)')
    .description('why: from a page or an event back to the measurements')
    .action(async (id: string, _options: unknown, command: Command) => {
      if (id.trim() === '')
        throw new CliError('explain what? Give the id of an event, a page or an incident', ExitCode.usage);
      const session = open(command);
      const { body } = await session.http.get<Explanation>(`/v1/explain/${encodeURIComponent(id)}`);
      present(session, body, ({ chain }) => causeTree(chain));
    });
}

/**
 * The graph of causes as an indented tree: under an event stand its causes. What caused several is told once, where
 * it comes first, and referred to afterwards.
 */
export function causeTree(chain: readonly Link[]): string {
  const links = new Map(chain.map((link) => [link.eventId, link]));
  const causes = new Set(chain.flatMap((link) => link.causedBy));
  const told = new Set<string>();
  const lines: string[] = [];
  const tell = (id: string, first: string, rest: string): void => {
    const link = links.get(id);
    if (link === undefined || told.has(id)) {
      const what = link === undefined ? 'an event further back' : `${link.type} ${link.at}, told above`;
      lines.push(`${first}${pc.dim(`${what}  ${id}`)}`);
      return;
    }
    told.add(id);
    lines.push(`${first}${pc.bold(link.type)} ${link.at}`);
    const more = link.causedBy.length > 0;
    lines.push(`${rest}${more ? '│ ' : '  '}${link.summary}  ${pc.dim(id)}`);
    for (const [i, cause] of link.causedBy.entries()) {
      const last = i === link.causedBy.length - 1;
      tell(cause, `${rest}${last ? '└ ' : '├ '}`, `${rest}${last ? '  ' : '│ '}`);
    }
  };
  for (const { eventId } of chain) if (!causes.has(eventId)) tell(eventId, '', '');
  return lines.join('\n');
}
