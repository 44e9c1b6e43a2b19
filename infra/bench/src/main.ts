import { cpus, totalmem } from 'node:os';
import { appendBench } from './append.bench.js';
import { backtestBench } from './backtest.bench.js';
import { besidePrometheusBench } from './beside-prometheus.bench.js';
import { evaluatorBench } from './evaluator.bench.js';
import type { Result } from './measure.js';
import { rebuildBench } from './rebuild.bench.js';
import { scaleBench } from './scale.bench.js';
import { systemBench } from './system.bench.js';

const benches: Record<string, () => Promise<Result[]>> = {
  append: appendBench,
  rebuild: rebuildBench,
  evaluator: evaluatorBench,
  backtest: backtestBench,
  scale: scaleBench,
  'beside-prometheus': besidePrometheusBench,
  system: systemBench,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}

console.log(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}\n`,
);
console.log('| what | ours | reference | ratio | goal | |\n|---|---|---|---|---|---|');
let missed = 0;
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
  for (const result of await (benches[name] as () => Promise<Result[]>)()) {
    if (!result.met) missed++;
    console.log(
      `| ${result.what} | ${result.ours} | ${result.reference} | ${result.ratio.toFixed(2)} | ${result.goal} | ${result.met ? 'met' : 'MISSED'} |`,
    );
  }
}
process.exit(missed === 0 ? 0 : 1);
