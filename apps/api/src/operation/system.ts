import {
  type Clock,
  CONTROL_JOURNAL,
  CommandRefused,
  JOURNALS,
  type ProjectionState,
  type SystemState,
} from '@bellwether/contracts';
import type { EventLog, Projector } from '@bellwether/event-log';
import type { Caller } from '../commands/gateway.js';
import type { EventStream } from '../log/event-stream.js';
import type { Buckets } from './buckets.js';
import { ANSWERING_SERVICES, type DeadLetters } from './dead-letters.js';

export interface SystemOptions {
  log: Pick<EventLog, 'head'>;
  projector: Pick<Projector, 'state' | 'rebuild'>;
  deadLetters: DeadLetters;
  buckets: Buckets;
  stream: EventStream;
  clock: Clock;
  onRebuildFailed: (name: string, error: unknown) => void;
}

/** Parked keys of a read model that are shown; how many there are is said beside them. */
const SHOWN = 100;

/** The state of the whole system, as far as this process can see it. */
export class System {
  constructor(private readonly options: SystemOptions) {}

  async state(caller: Caller): Promise<SystemState> {
    const { log, deadLetters, buckets, stream, clock } = this.options;
    const [journals, services, bucketsState] = await Promise.all([
      Promise.all(
        JOURNALS.map(async (journal) => {
          const { position, recordedAt } = await log.head(journal);
          return { journal, position, recordedAt: recordedAt?.toISOString() ?? null };
        }),
      ),
      Promise.all(ANSWERING_SERVICES.map((name) => deadLetters.ask(name, caller))),
      buckets.state(caller),
    ]);
    return {
      now: clock.now().toISOString(),
      head: journals.find(({ journal }) => journal === CONTROL_JOURNAL)?.position ?? 0,
      journals,
      projections: this.projections(),
      buckets: bucketsState,
      services: services.map(({ name, state, deadLetters: keys, more }) => ({
        name,
        state,
        deadLetters: keys?.reduce((total, { events }) => total + events, more) ?? null,
      })),
      streams: { connections: stream.connections },
    };
  }

  projections(): ProjectionState[] {
    return this.options.projector
      .state()
      .map(({ name, version, position, head, building, lastBuild, halted, parked }) => ({
        name,
        version,
        position,
        head,
        building: building ? { version, ...building } : null,
        lastBuild: lastBuild
          ? {
              ...lastBuild,
              startedAt: lastBuild.startedAt.toISOString(),
              endedAt: lastBuild.endedAt?.toISOString() ?? null,
            }
          : null,
        halted: halted ?? null,
        parkedKeys: parked.length,
        parked: parked.slice(0, SHOWN),
      }));
  }

  /**
   * Begins to rebuild a read model; one that is being rebuilt goes on. `lastBuild` of the answer is the build: what
   * becomes of it is told by `GET /v1/system`.
   * @throws CommandRefused 404 for a name that none has
   */
  rebuild(name: string): ProjectionState {
    const { projector, onRebuildFailed } = this.options;
    const state = () => this.projections().find((projection) => projection.name === name);
    const before = state();
    if (before === undefined) throw CommandRefused.notFound(`a read model ${name}`);
    if (before.building !== null) return before;
    projector.rebuild(name).catch((error: unknown) => onRebuildFailed(name, error));
    return state() ?? before;
  }
}
