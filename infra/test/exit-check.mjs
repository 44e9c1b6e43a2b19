// What a test leaves open (a connection, a timer, a server) would keep Jest running for ever. Passing tests leave
// nothing; whoever does is told so and fails, where `--forceExit` would hide it.
const PATIENCE_MS = 30_000;

export default function exitCheck({ watch, watchAll, detectOpenHandles }) {
  if (watch || watchAll || detectOpenHandles) return;
  setTimeout(() => {
    const open = [...new Set(process.getActiveResourcesInfo())].join(', ');
    process.stderr.write(
      `A test has left something open that keeps Jest running (${open}): run its file with --detectOpenHandles\n`,
    );
    process.exit(1);
  }, PATIENCE_MS).unref();
}
