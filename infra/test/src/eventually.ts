import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Repeats an assertion until it passes and returns its result; throws its last error when `timeoutMs` (default
 * 30,000) are over. For results that arrive asynchronously, never for letting time pass: move the clock for that.
 */
export async function eventually<T>(
  assertion: () => Promise<T> | T,
  options: { timeoutMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? 30_000);
  for (let pause = 2; ; pause = Math.min(pause * 1.5, 50)) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(pause);
  }
}
