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
import { receiptOf } from './receipt.js';
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
    const origin = originOf(principalOf(request));
    try {
      const messages = read({ receivedAt: now, now });
      const [only] = messages;
      return receiptOf(
        messages.length === 1 && only !== undefined
          ? [await this.recorder.record(only, origin)]
          : await this.recorder.recordBatch(messages, origin),
        this.metrics,
      );
    } catch (error) {
      // As a whole: nothing of what is refused is in the log.
      if (error instanceof Refusal) this.metrics.refused('http', error.reason);
      throw error;
    }
  }
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
