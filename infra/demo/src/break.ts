import { readFileSync } from 'node:fs';
import { BROKEN, type Fault, HEALTHY } from './faults.js';
import { stateFile } from './local-run.js';

/** Makes the running demo's payments fail for `seconds`, then mends them. */
export async function breakShop(seconds: number, say: (line: string) => void): Promise<void> {
  const payment = runningPayment();
  await setFault(payment, { ...BROKEN, seconds });
  say(`Payments fail now: ${BROKEN.failRate * 100} % of them, for ${seconds} s. Look at the other terminal.`);
  try {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.on(signal, () => {
          clearTimeout(timer);
          resolve();
        });
      }
    });
  } finally {
    await setFault(payment, HEALTHY);
  }
  say('Payments work again. The alert resolves when the bad minutes have left the short window (2 minutes).');
}

function runningPayment(): string {
  try {
    return (JSON.parse(readFileSync(stateFile(), 'utf8')) as { payment: string }).payment;
  } catch {
    throw new Error(
      'the demo is not running, or still starting: start it with "npm run demo" in another terminal',
    );
  }
}

async function setFault(payment: string, fault: Fault): Promise<void> {
  const { ok } = await fetch(`${payment}/fault`, { method: 'PUT', body: JSON.stringify(fault) });
  if (!ok) throw new Error('the shop did not take the fault');
}
