/** The thread that a backtest is worked out in: see `Backtests`. */
import { parentPort, workerData } from 'node:worker_threads';
import { EventLog } from '@bellwether/event-log';
import { type BacktestJob, failureOf, type Told } from './job.js';
import { workOut } from './work-out.js';

/** How often it says how far it is at most, milliseconds. */
const TELL_MS = 100;

const tell = (told: Told): void => parentPort?.postMessage(told);
const job = workerData as BacktestJob;
const log = EventLog.open({ connectionString: job.databaseUrl, poolSize: 1 });
let told = 0;
try {
  const result = await workOut(job, log, (progress) => {
    if (performance.now() - told < TELL_MS && progress.done < progress.of) return;
    told = performance.now();
    tell({ progress });
  });
  tell({ result });
} catch (error) {
  tell({ failure: failureOf(error) });
} finally {
  await log.close();
}
