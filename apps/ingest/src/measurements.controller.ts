import {
  CLOUDEVENTS_BATCH_JSON,
  CLOUDEVENTS_JSON,
  type Clock,
  type MeasurementReceipt,
} from '@bellwether/contracts';
import { HttpProblem, type Principal, principalOf, Roles, requestContext } from '@bellwether/service';
import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CLOCK } from './clock.token.js';
import { IngestMetrics } from './ingest-metrics.js';
import {
  type HeaderReader,
  type MeasurementMessage,
  readAddressed,
  readFromRequest,
} from './measurement/message.js';
import { Refusal } from './measurement/refusal.js';
import { Recorder } from './recorder.js';

/** Measurements over HTTP. The answer comes after the commit to the log; a refusal leaves nothing behind. */
@Controller('v1/measurements')
@Roles('publisher')
export class MeasurementsController {
  constructor(
    private readonly recorder: Recorder,
    private readonly metrics: IngestMetrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** A measurement of one SLI: bare, or a CloudEvent in structured or binary mode. */
  @Post(':service/:sli')
  @HttpCode(202)
  async one(
    @Param('service') service: string,
    @Param('sli') sli: string,
    @Req() request: FastifyRequest,
  ): Promise<MeasurementReceipt> {
    const type = mediaType(request);
    if (type === CLOUDEVENTS_BATCH_JSON) throw HttpProblem.mediaType('send batches to POST /v1/measurements');
    const body = bodyOf(request);
    const structured = type === CLOUDEVENTS_JSON;
    return await this.record(request, (reception) => [
      readFromRequest({ service, sli, body, structured, header: headerReader(request) }, reception),
    ]);
  }

  /** CloudEvents that name their SLIs in `subject`, as `<service>/<sli>`: a batch, or one. */
  @Post()
  @HttpCode(202)
  async addressed(@Req() request: FastifyRequest): Promise<MeasurementReceipt> {
    const type = mediaType(request);
    const mode =
      type === CLOUDEVENTS_BATCH_JSON ? 'batch' : type === CLOUDEVENTS_JSON ? 'structured' : 'binary';
    const body = bodyOf(request);
    return await this.record(request, (reception) =>
      readAddressed({ body, mode, header: headerReader(request) }, reception),
    );
  }

  private async record(
    request: FastifyRequest,
    read: (reception: { receivedAt: number; now: number }) => MeasurementMessage[],
  ): Promise<MeasurementReceipt> {
    const now = this.clock.now().getTime();
    const receipt: MeasurementReceipt = { accepted: 0, duplicates: 0 };
    try {
      const messages = read({ receivedAt: now, now });
      if (messages.length > 1) await this.recorder.admit(messages);
      const origin = originOf(principalOf(request));
      // All are told to the log before any is waited for, so that they share its groups; every outcome is awaited,
      // since an answer before the last commit would be one about an unknown state.
      const outcomes = await Promise.allSettled(
        messages.map((message) => this.recorder.record(message, origin)),
      );
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'rejected') throw within(outcome.reason, index, messages.length);
        this.metrics.recorded('http', outcome.value);
        receipt[outcome.value.status === 'accepted' ? 'accepted' : 'duplicates'] += outcome.value.points;
      }
      return receipt;
    } catch (error) {
      if (error instanceof Refusal) this.metrics.refused('http', error.reason);
      throw error;
    }
  }
}

function within(error: unknown, index: number, of: number): unknown {
  return error instanceof Refusal && of > 1 ? error.within(String(index)) : error;
}

function originOf({ actor }: Principal) {
  const story = requestContext.getStore();
  return { actor, correlationId: story?.correlationId, traceparent: story?.traceparent };
}

function bodyOf(request: FastifyRequest): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : new Uint8Array();
}

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function headerReader(request: FastifyRequest): HeaderReader {
  return (name) => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(',') : value;
  };
}
