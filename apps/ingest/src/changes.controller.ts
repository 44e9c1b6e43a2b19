import { createHash } from 'node:crypto';
import {
  type ChangeReceipt,
  type Clock,
  CONTROL_JOURNAL,
  CommandRefused,
  change as changeBody,
  changeRecorded,
  LogStreams,
  parseOrRefuse,
} from '@bellwether/contracts';
import { CommandConflict, EventLog } from '@bellwether/event-log';
import {
  Caller,
  keyedCommandId,
  type Principal,
  parseJson,
  Roles,
  requestContext,
} from '@bellwether/service';
import { Body, Controller, Headers, HttpCode, Inject, Post } from '@nestjs/common';
import { uuidv7 } from 'uuidv7';
import { CLOCK } from './clock.token.js';
import { isOfTheMoment, LogBusy } from './log-busy.js';
import { whyUntimely } from './measurement/instant.js';
import { EMPTY_KEY } from './measurement/message.js';

/** Deploys and other changes of services, for reading incidents and budgets beside them. */
@Controller('v1/changes')
@Roles('publisher')
export class ChangesController {
  constructor(
    private readonly log: EventLog,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Answers after the commit. The same `Idempotency-Key` with the same body answers the first result. */
  @Post()
  @HttpCode(202)
  async record(
    @Body() body: Uint8Array | undefined,
    @Headers('idempotency-key') key: string | undefined,
    @Caller() caller: Principal,
  ): Promise<ChangeReceipt> {
    const change = parseOrRefuse(changeBody, parseJson(body ?? new Uint8Array()), 'the body');
    const commandKey = keyOf(key);
    const now = this.clock.now();
    if (change.at !== undefined) timely(change.at, now);
    const id = uuidv7();
    const story = requestContext.getStore();
    const data = changeRecorded.parse({ actor: caller.actor, ...change, at: change.at ?? now.toISOString() });
    try {
      const { events } = await this.log.append({
        journal: CONTROL_JOURNAL,
        stream: LogStreams.change(change.service),
        expectedVersion: 'any',
        events: [
          {
            id,
            type: 'change.recorded',
            data,
            meta: {
              correlationId: story?.correlationId ?? id,
              causationId: story?.correlationId ?? null,
              actor: caller.actor,
              source: '/bellwether/ingest',
              ...(story?.traceparent === undefined ? {} : { traceparent: story.traceparent }),
            },
            occurredAt: new Date(data.at),
          },
        ],
        ...(commandKey === undefined
          ? {}
          : {
              commandId: keyedCommandId(caller.actor, commandKey),
              commandHash: digest(JSON.stringify(change)),
            }),
      });
      const first = events[0];
      return { eventId: first?.id ?? id, position: first?.position ?? 0 };
    } catch (error) {
      if (error instanceof CommandConflict) {
        throw CommandRefused.conflict(
          'this Idempotency-Key was used with another body',
          'idempotency-key-reused',
        );
      }
      throw isOfTheMoment(error) ? new LogBusy(error) : error;
    }
  }
}

/** @throws CommandRefused 400 for an empty key, which says neither that the request is repeatable nor that it is not */
function keyOf(key: string | undefined): string | undefined {
  if (key !== '') return key;
  throw CommandRefused.malformed('Idempotency-Key must not be empty', [
    { path: 'Idempotency-Key', message: EMPTY_KEY },
  ]);
}

/**
 * A change is looked at beside measurements, so that it has their bounds.
 * @throws CommandRefused 422
 */
function timely(at: string, now: Date): void {
  const message = whyUntimely(Date.parse(at), now.getTime());
  if (message === null) return;
  throw CommandRefused.refused(`at ${message}`, [{ path: 'at', message }]);
}

function digest(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
