import { Worker } from 'node:worker_threads';
import { type Backtest, type BacktestProgress, CommandRefused } from '@bellwether/contracts';
import { HttpProblem } from '@bellwether/service';
import { type BacktestJob, errorOf, type Told } from './job.js';

export interface BacktestsOptions {
  databaseUrl: string;
  /** Told of faults of ours, whose text the caller is not given. */
  onFailed?: ((error: unknown) => void) | undefined;
  /** Ends every backtest: the process drains. */
  signal: AbortSignal;
  /** Backtests at once; those beyond are refused. 2 when absent. */
  most?: number | undefined;
  /** How long one may take, milliseconds; 5 minutes when absent. */
  patienceMs?: number | undefined;
  /** MiB of memory that one may take; 512 when absent. */
  memoryMib?: number | undefined;
  /** The worker's module; for tests, which run from source. */
  worker?: { file: string; execArgv: string[] } | undefined;
}

const MOST = 2;
const PATIENCE_MS = 5 * 60_000;
const MEMORY_MIB = 512;

/**
 * Backtests, each in a thread of its own with a connection of its own: seconds of arithmetic must not keep the requests
 * of others waiting, and one that takes too much memory must take nothing with it. A thread can be ended at any moment.
 */
export class Backtests {
  #running = 0;

  constructor(private readonly options: BacktestsOptions) {}

  get running(): number {
    return this.#running;
  }

  /**
   * Takes a place, which is to be given back by {@link run}.
   * @throws HttpProblem 503 when as many run as may
   */
  admit(): void {
    const most = this.options.most ?? MOST;
    if (this.#running >= most)
      throw HttpProblem.unavailable(
        most === 1
          ? 'another backtest is running; try again when it is done'
          : `${most} backtests are running already; try again when one of them is done`,
        5,
      );
    this.#running += 1;
  }

  /** One failed by a fault of ours. */
  failed(error: unknown): void {
    this.options.onFailed?.(error);
  }

  /**
   * Works a backtest out, at the place that {@link admit} took.
   * @param gone aborts when nobody waits for it any more
   * @throws HttpProblem 503 when it takes too long, or the process drains; CommandRefused when it needs too much memory
   */
  async run(
    job: Omit<BacktestJob, 'databaseUrl'>,
    gone: AbortSignal,
    onProgress: (progress: BacktestProgress) => void = () => {},
  ): Promise<Backtest> {
    const { databaseUrl, signal, patienceMs = PATIENCE_MS, memoryMib = MEMORY_MIB } = this.options;
    const { file, execArgv } = this.options.worker ?? {
      file: new URL('./worker.js', import.meta.url),
      execArgv: [],
    };
    const late = AbortSignal.timeout(patienceMs);
    const ending = AbortSignal.any([gone, signal, late]);
    let worker: Worker | undefined;
    try {
      if (ending.aborted) throw ended(late, patienceMs);
      worker = new Worker(file, {
        name: 'backtest',
        workerData: { ...job, databaseUrl } satisfies BacktestJob,
        execArgv,
        resourceLimits: { maxOldGenerationSizeMb: memoryMib },
      });
      return await outcome(worker, ending, () => ended(late, patienceMs), onProgress);
    } finally {
      await worker?.terminate();
      this.#running -= 1;
    }
  }
}

function outcome(
  worker: Worker,
  ending: AbortSignal,
  why: () => Error,
  onProgress: (progress: BacktestProgress) => void,
): Promise<Backtest> {
  return new Promise((resolve, reject) => {
    ending.addEventListener('abort', () => reject(why()), { once: true });
    worker.on('message', (told: Told) => {
      if ('progress' in told) onProgress(told.progress);
      else if ('result' in told) resolve(told.result);
      else reject(errorOf(told.failure));
    });
    worker.on('error', (error: Error & { code?: string }) =>
      reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge() : error),
    );
    worker.on('exit', (code) => reject(new Error(`the thread of a backtest ended with code ${code}`)));
  });
}

function ended(late: AbortSignal, patienceMs: number): HttpProblem {
  return HttpProblem.unavailable(
    late.aborted
      ? `the backtest was ended after ${Math.round(patienceMs / 1000)} s; ask for a shorter span, or when there is less to do`
      : 'the backtest was ended',
    5,
  );
}

function tooLarge(): CommandRefused {
  return CommandRefused.refused('the backtest needs more memory than one may take', [
    {
      path: 'from',
      message: 'must be nearer to to: a shorter span needs less memory, as does a lower cap of groups',
    },
  ]);
}
