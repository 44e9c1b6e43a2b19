/** Waits between restarts: doubled from `firstMs` to `mostMs`, and from the start again after a stable run. */
export class BackOff {
  #failures = 0;

  constructor(
    readonly firstMs = 100,
    readonly mostMs = 10_000,
    /** A run this long counts as stable. */
    readonly stableMs = 30_000,
  ) {}

  /** How many times in a row it has failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds to wait after a run that lasted `ranMs`. */
  next(ranMs: number): number {
    if (ranMs >= this.stableMs) this.#failures = 0;
    const delay = Math.min(this.firstMs * 2 ** this.#failures, this.mostMs);
    this.#failures += 1;
    return delay;
  }
}
