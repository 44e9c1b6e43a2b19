/** Where time comes from. Nothing reads the system clock but through this, so that tests move time instead of waiting. */
export interface Clock {
  now(): Date;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => new Date() };

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #millis: number;

  constructor(start: Date | string | number = '2026-01-01T00:00:00.000Z') {
    this.#millis = new Date(start).getTime();
  }

  now(): Date {
    return new Date(this.#millis);
  }

  set(to: Date | string | number): void {
    this.#millis = new Date(to).getTime();
  }

  /** @param millis how far to move forward, in milliseconds */
  advance(millis: number): void {
    this.#millis += millis;
  }
}
