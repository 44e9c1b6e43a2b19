import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is yes, at most `timeoutMs`; says whether it ever was. */
export async function within(
  timeoutMs: number,
  condition: () => Promise<boolean> | boolean,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    if (await condition()) return true;
    if (performance.now() > deadline) return false;
    await sleep(pause);
  }
}
