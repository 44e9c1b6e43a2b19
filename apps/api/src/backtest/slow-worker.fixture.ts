/** In place of the worker: one that never comes to an end, takes all memory, or fails as its job's name says. */
import { parentPort, workerData } from 'node:worker_threads';
import type { BacktestJob } from './job.js';

const { definition } = workerData as BacktestJob;
switch (definition.name) {
  case 'greedy': {
    const held: number[][] = [];
    for (;;) held.push(new Array(100_000).fill(0).map((_, i) => i + held.length));
  }
  case 'broken':
    throw new Error('a secret of the inside');
  case 'silent':
    process.exit(0);
    break;
  default:
    parentPort?.postMessage({ progress: { phase: 'reading', done: 1, of: 2 } });
    setInterval(() => {}, 1_000);
}
