import { LogStreams, type Sli, type SliSourceChanged, type SloStatus } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import type { Registry } from '../registry/registry.js';

type Shown = Pick<SloStatus, 'source'>;

/** How the source of an SLI (`<service>/<sli>`) answers; nothing for one that is published. */
export function sourceNow(
  { slis, sources }: Pick<Registry, 'slis' | 'sources'>,
  sli: string,
  watermark: string | null,
): Shown {
  return shown(slis.get(sli)?.data, sources.get(sli), watermark);
}

/** How it answered as of a moment, as the log had it then. */
export async function sourceAsOf(
  log: Pick<EventLog, 'readStream'>,
  definition: Sli | undefined,
  asOf: Date,
  watermark: string | null,
): Promise<Shown> {
  if (definition?.source?.prometheus === undefined) return {};
  const stream = LogStreams.source(definition.service, definition.name);
  const changed = (await log.readStream(stream, { recordedUntil: asOf })).at(-1);
  return shown(definition, changed?.data as SliSourceChanged | undefined, watermark);
}

function shown(
  definition: Sli | undefined,
  changed: SliSourceChanged | undefined,
  watermark: string | null,
): Shown {
  if (definition?.source?.prometheus === undefined) return {};
  const kind = 'prometheus';
  if (changed === undefined)
    return { source: { kind, state: 'waiting', since: null, lastSuccessAt: null, lastError: null } };
  const { state, at, error } = changed;
  // While it answers nothing is recorded of it but what it measured. One that is empty answered when that was noted, but
  // not with data.
  const answers = [
    state === 'empty' ? null : changed.lastSuccessAt,
    state === 'failing' ? null : watermark,
  ].filter((time) => time !== null);
  return {
    source: { kind, state, since: at, lastSuccessAt: answers.sort().at(-1) ?? null, lastError: error },
  };
}
