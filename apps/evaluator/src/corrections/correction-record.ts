import { createHash } from 'node:crypto';
import {
  CONTROL_JOURNAL,
  type CommandData,
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  LogStreams,
  onceOf,
  type SloCorrected,
  type SloCorrection,
  storyOf,
} from '@bellwether/contracts';
import { type EventLog, type RecordedEvent, VersionConflict } from '@bellwether/event-log';
import { correctionFaults } from '@bellwether/slo';
import { SOURCE } from '../evaluation/transitions.js';
import { ATTEMPTS, NEVER } from '../optimistic.js';
import type { Registry } from '../registry/registry.js';
import type { SloEntry } from '../registry/slo-entry.js';

/** Corrections of one SLO in effect at once: recurrences are for what comes again. */
const MOST = 200;
/** What people said of the data of SLOs: corrections that were added and withdrawn, each once. */
export class CorrectionRecord {
  readonly #log: EventLog;
  readonly #registry: Registry;

  constructor(log: EventLog, registry: Registry) {
    this.#log = log;
    this.#registry = registry;
  }

  /** @throws CommandRefused 404, 412 for another version than the one named, 422 for what cannot be followed */
  async add(
    request: CommandRequest<CommandData<'evaluator.slo-correct'>>,
  ): Promise<CommandReply<SloCorrection>> {
    const { slo, ...correction } = request.data;
    const faults = correctionFaults(correction);
    const [first] = faults;
    if (first)
      throw CommandRefused.refused(`the correction is refused: ${first.path} ${first.message}`, faults);
    const id = idOf(request.id);
    return await this.#append(request, slo, 201, async ({ definition: { service }, corrections }) => ({
      event: { slo, service, id, change: 'added', ...correction, by: request.actor },
      isPossible: corrections.list.length < MOST,
      instead: () => {
        throw CommandRefused.refused(
          `${MOST} corrections of SLO ${slo} are in effect; say what comes again with a recurrence, or withdraw some`,
        );
      },
    }));
  }

  /** Ends the effect of a correction on all times; repeating it is harmless. @throws CommandRefused 404, 412 */
  async withdraw(
    request: CommandRequest<CommandData<'evaluator.slo-correction-withdraw'>>,
  ): Promise<CommandReply<SloCorrection>> {
    const { slo, id, reason } = request.data;
    return await this.#append(request, slo, 200, async ({ definition: { service }, corrections }) => {
      const changes = await this.#changes(slo);
      const made = changes.map(({ data }) => data as SloCorrected).find((event) => event.id === id);
      if (made === undefined) throw CommandRefused.notFound(`correction ${id} of SLO ${slo}`);
      const { withdrawnReason: _, ...correction } = made;
      return {
        event: {
          ...correction,
          service,
          change: 'withdrawn',
          by: request.actor,
          ...(reason === undefined ? {} : { withdrawnReason: reason }),
        },
        isPossible: corrections.list.some((correction) => correction.id === id),
        instead: () => answered(changes, id, 200, changes.at(-1)?.position ?? 0),
      };
    });
  }

  /**
   * Appends an event of an SLO's corrections, once.
   * @param decide what to append of an SLO as it is, and what is answered in its place where that is not possible
   */
  async #append(
    request: CommandRequest,
    slo: string,
    status: 200 | 201,
    decide: (entry: SloEntry) => Promise<{
      event: SloCorrected;
      isPossible: boolean;
      instead: () => CommandReply<SloCorrection>;
    }>,
  ): Promise<CommandReply<SloCorrection>> {
    const stream = LogStreams.slo(slo);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await this.#registry.catchUp();
      const entry = this.#registry.slos.get(slo);
      if (entry === undefined) throw CommandRefused.notFound(`SLO ${slo}`);
      const { version } = entry.corrected;
      const isStale = request.expect !== undefined && request.expect !== version;
      const { event, isPossible, instead } = await decide(entry);
      try {
        const result = await this.#log.append({
          journal: CONTROL_JOURNAL,
          stream,
          expectedVersion: isStale || entry.retired || !isPossible ? NEVER : entry.streamVersion,
          ...onceOf(request),
          events: [
            {
              type: 'slo.corrected',
              data: event,
              occurredAt: new Date(request.at),
              meta: { ...storyOf(request), source: SOURCE },
            },
          ],
        });
        await this.#registry.catchUp();
        // As it stood then, also for a repeat.
        const until = (await this.#changes(slo)).filter((change) => change.version <= result.version);
        return answered(until, event.id, status, result.lastPosition);
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
        if (entry.retired) throw CommandRefused.notFound(`SLO ${slo}`);
        if (isStale) throw CommandRefused.staleVersion(request.expect as number, version);
        if (!isPossible) return instead();
      }
    }
    throw CommandRefused.conflict(`SLO ${slo} is being changed; try again`);
  }

  async #changes(slo: string): Promise<RecordedEvent[]> {
    return (await this.#log.readStream(LogStreams.slo(slo))).filter(({ type }) => type === 'slo.corrected');
  }
}

/** A correction as some changes left it. */
function answered(
  changes: readonly RecordedEvent[],
  id: string,
  status: 200 | 201,
  position: number,
): CommandReply<SloCorrection> {
  const data = corrected(changes).get(id) as SloCorrection;
  return { ok: true, status, data, version: changes.length, position, warnings: [] };
}

/** The corrections that events add and withdraw, by id. */
function corrected(changes: readonly RecordedEvent[]): Map<string, SloCorrection> {
  const found = new Map<string, SloCorrection>();
  for (const { data, occurredAt } of changes) {
    const { service: _, change, withdrawnReason, by, ...correction } = data as SloCorrected;
    const at = occurredAt.toISOString();
    const known = found.get(correction.id);
    if (change === 'added') {
      const withdrawn = { withdrawnBy: null, withdrawnAt: null, withdrawnReason: null };
      found.set(correction.id, { ...correction, by, at, ...withdrawn });
    } else if (known !== undefined) {
      const withdrawn = { withdrawnBy: by, withdrawnAt: at, withdrawnReason: withdrawnReason ?? null };
      found.set(correction.id, { ...known, ...withdrawn });
    }
  }
  return found;
}

/** The same request makes the same correction. */
const idOf = (commandId: string): string => createHash('sha256').update(commandId).digest('hex').slice(0, 16);
