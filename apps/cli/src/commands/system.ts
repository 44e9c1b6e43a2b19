import type { Command } from 'commander';
import pc from 'picocolors';
import { fields, table } from '../output.js';
import { type OpenSession, present } from './command.js';

/** What these commands need of a read model. */
export interface ProjectionView {
  name: string;
  version: number;
  position: number;
  building: { position: number; head: number } | null;
  lastBuild: { id: string; endedAt: string | null; error: string | null } | null;
  halted: { position: number; error: string } | null;
  parkedKeys: number;
  parked: { key: string; position: number; error: string }[];
}

export interface SystemView {
  head: number;
  buckets: { partitionsToRebuild: number; building: number; series: number; done: number; of: number } | null;
  projections: ProjectionView[];
  services: { name: string; state: 'answering' | 'silent'; deadLetters: number | null }[];
}

export function systemCommand(program: Command, open: OpenSession): void {
  program
    .command('system')
    .description('positions of the log and of what is derived from it, and which services answer')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.get<SystemView>('/v1/system');
      present(session, body, (s) =>
        [
          fields([
            ['Log head', s.head],
            ['Buckets', bucketsLine(s)],
          ]),
          '',
          table(
            [
              { head: 'PROJECTION', cell: (p) => p.name },
              { head: 'VERSION', cell: (p) => p.version },
              { head: 'POSITION', cell: (p) => p.position },
              { head: 'LAG', cell: (p) => s.head - p.position },
              {
                head: 'STATE',
                cell: (p) =>
                  p.halted
                    ? pc.red(`halted at ${p.halted.position}: ${p.halted.error}`)
                    : p.building
                      ? `building (${p.building.position})`
                      : p.parkedKeys > 0
                        ? pc.red(`live but for ${p.parkedKeys} parked`)
                        : 'live',
              },
            ],
            s.projections,
          ),
          '',
          ...parkedLines(s),
          table(
            [
              { head: 'SERVICE', cell: (one) => one.name },
              {
                head: 'STATE',
                cell: ({ state }) => (state === 'answering' ? state : pc.red('does not answer')),
              },
              { head: 'DEAD LETTERS', cell: ({ deadLetters }) => deadLetters ?? '–' },
            ],
            s.services,
          ),
        ].join('\n'),
      );
    });
}

function bucketsLine({ buckets }: SystemView): string {
  if (buckets === null) return pc.red('no evaluator answers');
  if (buckets.building === 0) return `${buckets.series} series, complete`;
  return pc.yellow(
    `${buckets.building} of ${buckets.series} series are being made: ${buckets.done} of ${buckets.of} messages`,
  );
}

/** The keys at which read models stand still, and a line for those that are not listed. */
function parkedLines({ projections }: SystemView): string[] {
  const parked = projections.flatMap(({ name, parked: keys }) => keys.map((key) => ({ name, ...key })));
  if (parked.length === 0) return [];
  const more = projections.reduce((sum, { parkedKeys }) => sum + parkedKeys, 0) - parked.length;
  return [
    table(
      [
        { head: 'PARKED IN', cell: (one) => one.name },
        { head: 'KEY', cell: (one) => one.key },
        { head: 'BEFORE EVENT', cell: (one) => one.position },
        { head: 'ERROR', cell: (one) => one.error },
      ],
      parked,
    ),
    ...(more > 0 ? [`and ${more} more`] : []),
    '',
  ];
}
