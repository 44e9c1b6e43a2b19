import type { Command } from 'commander';
import { CliError, ExitCode } from '../errors.js';
import { type OpenSession, present, type Session } from './command.js';
import type { ProjectionView, SystemView } from './system.js';

/** The name under which buckets are rebuilt. */
const BUCKETS = 'buckets';

/** How often it is looked how far a build is. */
const LOOK_MILLIS = 200;

export function rebuildCommand(program: Command, open: OpenSession): void {
  program
    .command('rebuild')
    .argument('[name]', `a projection of "bellwether system", or ${BUCKETS}; without it: all of them`)
    .description('rebuild read models and buckets from the log, beside the old ones; reads go on meanwhile')
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.get<SystemView>('/v1/system');
      const rebuilt: string[] = [];
      const failed: { name: string; error: string }[] = [];
      for (const one of name ? [name] : [...body.projections.map((p) => p.name), BUCKETS]) {
        const error = await (one === BUCKETS ? rebuildBuckets(session) : rebuildProjection(session, one));
        if (error === null) rebuilt.push(one);
        else failed.push({ name: one, error });
        if (session.context.output === 'table' && error === null) session.output.out(`${one}: rebuilt`);
      }
      if (session.context.output !== 'table') present(session, { rebuilt, failed }, () => '');
      if (failed.length > 0)
        throw new CliError(
          failed.map(({ name: one, error }) => `${one} is not rebuilt: ${error}`).join('\n'),
          ExitCode.failed,
        );
    });
}

async function rebuildBuckets(session: Session): Promise<null> {
  await session.http.post('/v1/system/buckets/rebuild');
  const show = bar(session, BUCKETS);
  for (;;) {
    const share = bucketsShare((await session.http.get<SystemView>('/v1/system')).body);
    if (share >= 1) return null;
    show(share);
    await session.pause(LOOK_MILLIS);
  }
}

/** @returns why the read model is not rebuilt, or null when it is and follows the log */
async function rebuildProjection(session: Session, name: string): Promise<string | null> {
  const begun = await session.http.post<ProjectionView>(
    `/v1/system/projections/${encodeURIComponent(name)}/rebuild`,
  );
  const show = bar(session, name);
  for (let now: ProjectionView | undefined = begun.body; ; ) {
    // No build, or another one: that the read model is well says nothing of the one that was asked for.
    if (!now?.lastBuild || now.lastBuild.id !== begun.body.lastBuild?.id)
      return 'the api was started again, or another rebuild began, before it was known to have ended; rebuild it again';
    const { endedAt, error } = now.lastBuild;
    if (error !== null) return error;
    if (endedAt !== null) return standing(now);
    const { building } = now;
    show(building ? Math.min(building.position / Math.max(building.head, 1), 0.99) : 0.99);
    await session.pause(LOOK_MILLIS);
    const { body } = await session.http.get<SystemView>('/v1/system');
    now = body.projections.find((projection) => projection.name === name);
  }
}

/** Why a read model that was made anew does not show everything all the same; null when it does. */
function standing({ halted, parkedKeys, parked: [first] }: ProjectionView): string | null {
  if (halted) return `it stands still before event ${halted.position}: ${halted.error}`;
  if (parkedKeys === 0) return null;
  const which = first ? `, the first before event ${first.position} of ${first.key}: ${first.error}` : '';
  return `the new tables are in place, but ${parkedKeys} of their keys are parked${which}`;
}

/** Draws a bar for a person who looks on, when it has grown. */
function bar({ output }: Session, name: string): (share: number) => void {
  let shown = -1;
  return (share) => {
    const done = Math.floor(share * 20);
    if (output.interactive && done !== shown)
      output.err(`${name} ${'█'.repeat(done)}${'░'.repeat(20 - done)} ${Math.floor(share * 100)} %`);
    shown = done;
  };
}

function bucketsShare({ buckets }: SystemView): number {
  if (buckets === null) return 0;
  if (buckets.partitionsToRebuild === 0 && buckets.building === 0) return 1;
  return Math.min(buckets.done / Math.max(buckets.of, 1), 0.99);
}
