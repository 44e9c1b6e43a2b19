import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '@bellwether/contracts';

/**
 * The clock of this process: the machine's, or, in a rehearsal, the machine's plus the offset in milliseconds
 * that the file named by `BELLWETHER_CLOCK_FILE` holds. Moving time in a running system is writing that file.
 */
export function clockFromEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Clock {
  const file = env.BELLWETHER_CLOCK_FILE;
  return file === undefined || file === '' ? systemClock : new OffsetClock(file);
}

/**
 * System time plus an offset that a file holds. It is read every time: what is asked of a service after the file was
 * written is answered at the new time.
 */
export class OffsetClock implements Clock {
  #offset = 0;

  constructor(
    private readonly file: string,
    private readonly system: Clock = systemClock,
  ) {}

  now(): Date {
    this.#offset = this.read();
    return new Date(this.system.now().getTime() + this.#offset);
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
