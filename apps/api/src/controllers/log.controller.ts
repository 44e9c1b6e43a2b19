import { CommandRefused, ListLimits } from '@bellwether/contracts';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Explainer } from '../explain/explainer.js';
import { ControlTail } from '../log/control-tail.js';
import { EventStream } from '../log/event-stream.js';
import { matching } from '../read/event-filter.js';
import { EventStore } from '../read/event-store.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

const uuid = z.uuid();

/** The control log: explained, paged, live. */
@Controller()
export class LogController {
  constructor(
    private readonly explainer: Explainer,
    private readonly events: EventStore,
    private readonly stream: EventStream,
    private readonly tail: ControlTail,
  ) {}

  @Serves('explain')
  explain(@Input() { params }: InputOf<'explain'>) {
    return this.explainer.explain(params.id);
  }

  @Serves('listEvents')
  async list(@Input() { query }: InputOf<'listEvents'>) {
    const { limit, cursor, after, ...filter } = query;
    if (cursor !== undefined && after !== undefined) {
      throw CommandRefused.malformed('after and cursor both say where to begin', [
        { path: 'query.cursor', message: 'must be left out when after is given' },
      ]);
    }
    const paging = Paging.of({ limit, cursor }, ['events', filter], z.int());
    const events = await this.events.after(
      paging.after ?? after ?? 0,
      (limit ?? ListLimits.default) + 1,
      filter,
    );
    return paging.page(
      events,
      ({ position }) => position,
      (event) => event,
    );
  }

  @Serves('streamEvents')
  async live(@Input() { query, request }: InputOf<'streamEvents'>, @Res() reply: FastifyReply) {
    const { after, ...filter } = query;
    const from = (await this.resumed(request)) ?? after ?? this.tail.position;
    if (from > this.tail.position && from > (await this.events.head())) {
      throw CommandRefused.malformed('the log does not reach that position', [
        { path: 'after', message: 'must not be beyond the end of the log' },
      ]);
    }
    this.stream.admit();
    reply.hijack();
    // A HEAD asks how it would be answered; its connection would else wait for ever.
    const whole = request.method === 'GET';
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    if (!whole) reply.raw.end();
    else await this.stream.serve(reply.raw, from, matching(filter));
  }

  /** Position of the last event that the reader has seen, by `Last-Event-ID`: a position, or an event's id. */
  private async resumed(request: FastifyRequest): Promise<number | undefined> {
    const given = request.headers['last-event-id'];
    if (given === undefined || given === '') return undefined;
    if (typeof given === 'string' && /^(0|[1-9][0-9]{0,15})$/.test(given)) return Number(given);
    const position = uuid.safeParse(given).success
      ? await this.events.positionOf(given as string)
      : undefined;
    if (position !== undefined) return position;
    throw CommandRefused.malformed('Last-Event-ID names no event', [
      { path: 'Last-Event-ID', message: 'must be the position or the id of an event of the control log' },
    ]);
  }
}
