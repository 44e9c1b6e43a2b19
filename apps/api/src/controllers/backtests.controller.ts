import type { ServerResponse } from 'node:http';
import type { Backtest, BacktestProgress } from '@bellwether/contracts';
import { answerTo } from '@bellwether/service';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { BacktestJobs } from '../backtest/backtest-jobs.js';
import { Backtests } from '../backtest/backtests.js';
import { prefers } from '../routing/accept.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';
import { asUnavailable } from '../routing/unavailable.js';

const EVENT_STREAM = 'text/event-stream';
/** A sign of life is sent when nothing else was for this long, milliseconds. */
const HEARTBEAT_MS = 10_000;

/** What would have fired. */
@Controller()
export class BacktestsController {
  constructor(
    private readonly jobs: BacktestJobs,
    private readonly backtests: Backtests,
  ) {}

  /** As JSON when it is done; as server-sent events with its progress for those who ask for that. */
  @Serves('runBacktest')
  async run(@Input() { body, request }: InputOf<'runBacktest'>, @Res() reply: FastifyReply): Promise<void> {
    const job = await this.jobs.of(body);
    this.backtests.admit();
    // Whoever asked may hang up before it is done.
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    if (prefers(request.headers.accept, ['application/json', EVENT_STREAM]) !== EVENT_STREAM) {
      void reply.send(await this.backtests.run(job, gone.signal));
      return;
    }
    reply.hijack();
    await this.stream(reply.raw, (tell) => this.backtests.run(job, gone.signal, tell));
  }

  /** Sends `progress` events, then one `result` or one `problem`. */
  private async stream(
    response: ServerResponse,
    work: (tell: (progress: BacktestProgress) => void) => Promise<Backtest>,
  ): Promise<void> {
    response.writeHead(200, {
      'content-type': `${EVENT_STREAM}; charset=utf-8`,
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const send = (event: string, data: unknown): void => {
      if (!response.writableEnded && !response.destroyed)
        response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    const heartbeat = setInterval(() => response.write(': \n\n'), HEARTBEAT_MS);
    try {
      send('result', await work((progress) => send('progress', progress)));
    } catch (error) {
      const { problem, unexpected } = answerTo(asUnavailable(error));
      if (unexpected) this.backtests.failed(error);
      send('problem', problem);
    } finally {
      clearInterval(heartbeat);
      response.end();
    }
  }
}
