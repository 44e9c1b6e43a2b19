import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { eventually } from '../eventually.js';
import { guard } from '../guard.js';

/** A terminal in which somebody has typed a command: what it shows, and its Ctrl-C. */
export class Terminal {
  #text = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | NodeJS.Signals | null>;

  /** @param env the whole environment */
  constructor(command: string, { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }) {
    // A process group, as a terminal makes one: Ctrl-C goes to all of it.
    this.#child = spawn('sh', ['-c', command], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { pid } = this.#child;
    if (pid !== undefined) guard().watch(pid);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#text += text;
      });
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        if (pid !== undefined) guard().unwatch(pid);
        resolve(code ?? signal);
      });
    });
  }

  /** Everything shown so far, without colours. */
  get screen(): string {
    return stripVTControlCharacters(this.#text);
  }

  /** Waits until the screen shows it. Rejects with the screen when it ends, or the time is over, before. */
  async shows(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    let over = false;
    void this.#ended.then(() => {
      over = true;
    });
    return eventually(
      () => {
        const found = pattern.exec(this.screen);
        if (found) return found;
        throw new Error(
          `${pattern} is not on the screen${over ? ', and it has ended' : ''}:\n${this.screen}`,
        );
      },
      { timeoutMs },
    );
  }

  /** Waits for the end of the command and returns its exit code, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null> {
    return this.#ended;
  }

  /** Ctrl-C, and waits for the end. */
  async interrupt(): Promise<number | NodeJS.Signals | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined)
      process.kill(-this.#child.pid, 'SIGINT');
    return this.#ended;
  }
}

/** The running processes that have the text in their command line or environment (Linux): id and command line. */
export function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const seen = command + readFileSync(`/proc/${pid}/environ`, 'utf8');
        return seen.includes(text) ? [`${pid} ${command}`] : [];
      } catch {
        return []; // it has just ended, or is somebody else's
      }
    });
}
