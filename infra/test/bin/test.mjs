// `npm test`: with nothing but Node 20 and npm, installs what is missing, checks types, lint, import boundaries and
// the build, and runs every test. The last line is `N passed, N failed`. Leaves no process and no file behind.
import { fork, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installDependencies } from '../../local/bin/dependencies.mjs';
import { requireOwnFolders } from '../../local/bin/own-folders.mjs';
import {
  build,
  ensureChromium,
  ensureNatsServer,
  ensurePrometheus,
  environment,
  lastLines,
  PrepareError,
  pinnedNode,
  requireNode,
  root,
  run,
  say,
} from '../../local/bin/prepare.mjs';

const bin = (name) => path.join(root, 'node_modules/.bin', name);
const results = [];

/** Everything temporary of the run is in here; the guard removes it however we end. */
const scratch = mkdtempSync(path.join(tmpdir(), 'bellwether-test-'));
chmodSync(scratch, 0o755); // Postgres' unprivileged user passes through
// The tests' systems are their own: a database or a token that this shell was set up for is not theirs to use.
for (const name of Object.keys(process.env)) {
  if (/^(BELLWETHER_|OTEL_|PG)|^(DATABASE|NATS)_URL$/.test(name)) delete process.env[name];
}
const env = environment({
  TMPDIR: scratch,
  TZ: 'UTC',
  CI: 'true',
  BELLWETHER_STATE_DIR: path.join(scratch, 'state'),
});

const guard = fork(path.join(root, 'infra/local/bin/guard.mjs'), [], {
  detached: true,
  execArgv: [],
  stdio: 'ignore',
});
guard.send({ type: 'remove-at-end', folder: scratch });
guard.unref();
guard.channel?.unref();

/** Runs one check and notes how it went. */
async function check(name, work) {
  const started = performance.now();
  let problem = null;
  try {
    problem = await work();
  } catch (error) {
    problem = error instanceof PrepareError ? error.message : error.stack;
  }
  results.push({ name, passed: problem === null ? 1 : 0, failed: problem === null ? 0 : 1 });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`${name}: ${problem === null ? 'ok' : 'FAILED'} (${seconds} s)`);
  if (problem !== null) process.stdout.write(`${problem}\n`);
}

const program =
  (file, ...args) =>
  async () => {
    const { code, output } = await run(pinnedNode(), [bin(file), ...args], { env });
    return code === 0 ? null : lastLines(output, 80);
  };

/** Runs projects of Jest; each test counts, and each file that could not even be run. */
async function jest(projects, workers) {
  const name = projects.join(' + ');
  const report = path.join(scratch, `${projects.join('-')}.json`);
  say(`tests: ${name}`);
  const args = [
    path.join(root, 'infra/test/bin/jest.mjs'),
    ...['--selectProjects', ...projects],
    ...['--ci', '--passWithNoTests', '--json', `--outputFile=${report}`, `--maxWorkers=${workers}`],
    `--cacheDirectory=${path.join(root, 'node_modules/.cache/jest')}`,
  ];
  const { code } = await run(pinnedNode(), args, {
    env,
    output: 'errors',
    started: (pid) => guard.send({ type: 'watch', pid }),
  });
  if (!existsSync(report)) {
    results.push({
      name,
      passed: 0,
      failed: 1,
      failures: [`Jest ended with code ${code} and without a report`],
    });
    return;
  }
  const jestReport = JSON.parse(readFileSync(report, 'utf8'));
  const failures = jestReport.testResults.flatMap((file) => {
    const place = path.relative(root, file.name);
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    if (file.status === 'failed' && failed.length === 0) return [`${place}: the file could not be run`];
    return failed.map(({ fullName }) => `${place}: ${fullName}`);
  });
  // What could not be run here is not silently missing.
  const skipped = jestReport.testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'pending' || status === 'todo'),
  );
  if (code !== 0 && failures.length === 0) failures.push(`Jest ended with code ${code}`);
  results.push({
    name: `tests: ${name}`,
    passed: jestReport.numPassedTests,
    failed: failures.length,
    skipped: skipped.map(({ fullName }) => fullName),
    failures,
  });
}

/** Processes that the tests started and that still run: each has our temporary folder in its environment or arguments. */
function leftRunning() {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && Number(name) !== guard.pid)
    .map((pid) => {
      try {
        const seen =
          readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
        if (!seen.includes(scratch)) return null;
        return `process ${pid}: ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
      } catch {
        return null; // it has just ended, or is somebody else's
      }
    })
    .filter((line) => line !== null);
}

/** Files that git does not know and does not ignore; null where there is no git. */
function strayFiles() {
  const { status, stdout } = spawnSync('git', ['status', '--porcelain', '--untracked-files=all'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) return null;
  return stdout.split('\n').filter((line) => line.startsWith('??'));
}

async function nothingLeft(before) {
  // Guards of the last test files may still be at work.
  for (let tries = 0; tries < 100 && leftRunning().length > 0; tries += 1) {
    await new Promise((done) => setTimeout(done, 100));
  }
  const after = strayFiles();
  const files = before && after ? after.filter((line) => !before.includes(line)) : [];
  const left = [...leftRunning(), ...files];
  return left.length === 0 ? null : left.join('\n');
}

async function main() {
  requireNode();
  requireOwnFolders();
  await installDependencies();
  await ensureNatsServer();
  env.BELLWETHER_CHROMIUM = await ensureChromium();
  await ensurePrometheus();
  const before = strayFiles();
  await check('types', program('tsc', '-p', 'tsconfig.base.json'));
  await check('lint', program('biome', 'check', '.'));
  await check(
    'boundaries',
    program('depcruise', '--config', '.dependency-cruiser.cjs', 'apps', 'libs', 'infra'),
  );
  await check('build', async () => {
    await build({ env });
    return null;
  });
  // Of the two cores that a run is to fit on: many of these wait, while whole systems of processes keep them busy.
  await jest(['unit', 'int'], 3);
  await jest(['e2e'], 2);
  await check('nothing left behind', () => nothingLeft(before));
}

let broken = null;
try {
  await main();
} catch (error) {
  broken = error instanceof PrepareError ? error.message : error.stack;
  results.push({ name: 'run', passed: 0, failed: 1, failures: [broken] });
}

const sum = (key) => results.reduce((total, result) => total + (result[key] ?? 0), 0);
say('');
for (const { name, passed, failed, skipped = [], failures = [] } of results) {
  say(
    `${name}: ${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
  );
  for (const test of skipped) say(`  - ${test}`);
  for (const failure of failures) say(`  ✗ ${failure}`);
}
const over = new Promise((resolve) => guard.once('exit', resolve));
guard.ref();
guard.disconnect();
await over;
process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`);
