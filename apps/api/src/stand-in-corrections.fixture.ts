import { createHash } from 'node:crypto';
import {
  CommandRefused,
  type CommandReply,
  type CommandRequest,
  commandCatalog,
  LogStreams,
  parseOrRefuse,
  type SloCorrected,
  type SloDefinition,
} from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';

type Reply = Extract<CommandReply, { ok: true }>;
type Append = (
  request: CommandRequest,
  stream: string,
  type: string,
  data: object,
  status: 200 | 201,
) => Promise<Reply>;

/** The commands about corrections, with the events that the evaluator would append. */
export function correctionCommands(
  log: EventLog,
  append: Append,
): Record<string, (request: CommandRequest) => Promise<Reply>> {
  const streamOf = async (
    slo: string,
  ): Promise<{ stream: string; events: RecordedEvent[]; service: string }> => {
    const stream = LogStreams.slo(slo);
    const events = await log.readStream(stream);
    const defined = events.findLast(({ type }) => type === 'slo.defined');
    if (defined === undefined) throw CommandRefused.notFound(`SLO ${slo}`);
    return { stream, events, service: (defined.data as SloDefinition).service };
  };
  const answer = async (
    request: CommandRequest,
    { stream, events }: { stream: string; events: RecordedEvent[] },
    event: SloCorrected,
  ): Promise<Reply> => {
    const changes = events.filter(({ type }) => type === 'slo.corrected');
    if (request.expect !== undefined && request.expect !== changes.length)
      throw CommandRefused.staleVersion(request.expect, changes.length);
    const isNew = event.change === 'added';
    const reply = await append(request, stream, 'slo.corrected', event, isNew ? 201 : 200);
    const { service: _, change: __, ...correction } = event;
    const at = request.at;
    const withdrawn = isNew
      ? { withdrawnBy: null, withdrawnAt: null, withdrawnReason: null }
      : { withdrawnBy: event.by, withdrawnAt: at, withdrawnReason: event.withdrawnReason ?? null };
    return { ...reply, data: { ...correction, at, ...withdrawn }, version: changes.length + 1 };
  };
  return {
    'evaluator.slo-correct': async (request) => {
      const { slo, ...correction } = parseOrRefuse(commandCatalog['evaluator.slo-correct'], request.data);
      const found = await streamOf(slo);
      const id = createHash('sha256').update(request.id).digest('hex').slice(0, 12);
      const { service } = found;
      return answer(request, found, { slo, service, id, change: 'added', ...correction, by: request.actor });
    },
    'evaluator.slo-correction-withdraw': async (request) => {
      const { slo, id, reason } = parseOrRefuse(
        commandCatalog['evaluator.slo-correction-withdraw'],
        request.data,
      );
      const found = await streamOf(slo);
      const made = found.events
        .filter(({ type }) => type === 'slo.corrected')
        .map(({ data }) => data as SloCorrected)
        .find((correction) => correction.id === id);
      if (made === undefined) throw CommandRefused.notFound(`correction ${id} of SLO ${slo}`);
      return answer(request, found, {
        ...made,
        change: 'withdrawn',
        by: request.actor,
        ...(reason === undefined ? {} : { withdrawnReason: reason }),
      });
    },
  };
}
