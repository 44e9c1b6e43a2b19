import { PublisherClosed } from './errors.js';

/** How much is held at most. */
export interface RoomLimits {
  points: number;
  bytes: number;
}

/**
 * Bounds what a publisher holds. Who finds no room waits, first come, first served, so that a large point is not
 * overtaken for ever by small ones. A point larger than all the room there is is let in alone.
 */
export class Room {
  #points = 0;
  #bytes = 0;
  #closed = false;
  readonly #waiting: { bytes: number; enter: () => void; fail: (error: Error) => void }[] = [];

  constructor(private readonly limits: RoomLimits) {}

  /** Points held now. */
  get points(): number {
    return this.#points;
  }

  /** Whether nothing is held and nobody waits. */
  get isEmpty(): boolean {
    return this.#points === 0 && this.#waiting.length === 0;
  }

  /** Takes room for a point if there is any, without waiting. */
  tryEnter(bytes: number): boolean {
    if (this.#closed || this.#waiting.length > 0 || !this.#fits(bytes)) return false;
    this.#take(bytes);
    return true;
  }

  /** Takes room for a point as soon as there is any. @throws PublisherClosed */
  enter(bytes: number): Promise<void> {
    if (this.#closed) return Promise.reject(new PublisherClosed());
    return new Promise((enter, fail) => this.#waiting.push({ bytes, enter, fail }));
  }

  /** Gives room back, to those who wait. */
  leave(points: number, bytes: number): void {
    this.#points -= points;
    this.#bytes -= bytes;
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#take(next.bytes);
      next.enter();
    }
  }

  /** Lets nobody in any more, and sends away who waits. */
  close(): void {
    this.#closed = true;
    for (const { fail } of this.#waiting.splice(0)) fail(new PublisherClosed());
  }

  #fits(bytes: number): boolean {
    const { limits } = this;
    return this.#points === 0 || (this.#points < limits.points && this.#bytes + bytes <= limits.bytes);
  }

  #take(bytes: number): void {
    this.#points += 1;
    this.#bytes += bytes;
  }
}
