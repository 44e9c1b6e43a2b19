/** Beats whenever this instance has stored buckets: whoever is made of them has a reason to look. */
export class Pulse {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  beat(): void {
    this.#count++;
  }
}
