import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '@bellwether/contracts';

const rereadAfterMillis = 20;

/**
 * The clock of this process: the machine's, or, in a rehearsal, the machine's plus the offset in milliseconds
 * that the file named by `BELLWETHER_CLOCK_FILE` holds. Moving time in a running system is writing that file.
 */
export function clockFromEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Clock {
  const file = env.BELLWETHER_CLOCK_FILE;
  return file === undefined || file === '' ? systemClock : new OffsetClock(file);
}

/** System time plus an offset that is read from a file, at most every 20 ms. */
export class OffsetClock implements Clock {
  #offset = 0;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly file: string,
    private readonly system: Clock = systemClock,
  ) {}

  now(): Date {
    const system = this.system.now().getTime();
    // The system clock may itself be set back, so "elapsed" is compared in both directions.
    if (Math.abs(system - this.#readAt) >= rereadAfterMillis) {
      this.#readAt = system;
      this.#offset = this.read();
    }
    return new Date(system + this.#offset);
  }

  // A file that is not there yet means no offset; one that is being written (empty, half a number) keeps the last.
  private read(): number {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
    return /^-?\d+$/.test(text) ? Number(text) : this.#offset;
  }
}
