import type { BacktestProgress } from '@bellwether/contracts';
import type { Output } from '../output.js';

const WIDTH = 30;
const DOING: Record<BacktestProgress['phase'], string> = { reading: 'reading', evaluating: 'evaluating' };

/** How far a backtest is, on one line that a person sees change; nothing where nobody looks on. */
export class ProgressBar {
  readonly #output: Output;
  #shown = '';

  constructor(output: Output) {
    this.#output = output;
  }

  /** @param what is worked on */
  show(what: string, { phase, done, of }: BacktestProgress): void {
    const share = of === 0 ? 1 : Math.min(1, done / of);
    const full = Math.round(share * WIDTH);
    const line = `${what}: ${DOING[phase].padEnd(10)} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
    if (line === this.#shown) return;
    this.#shown = line;
    this.#output.line?.(line);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown !== '') this.#output.line?.('');
    this.#shown = '';
  }
}
