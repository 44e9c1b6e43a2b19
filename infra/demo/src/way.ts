/** Says once, of all services together, that their measurements do not get through, and that they do again. */
export class Way {
  readonly #blocked = new Set<string>();

  constructor(private readonly say: (line: string) => void) {}

  heard(service: string, getsThrough: boolean): void {
    const before = this.#blocked.size;
    if (getsThrough) this.#blocked.delete(service);
    else this.#blocked.add(service);
    const now = this.#blocked.size;
    if (before === 0 && now > 0) {
      this.say(
        'measurements do not get through: is Bellwether running? The shop keeps them, and sends them later',
      );
    }
    if (before > 0 && now === 0) this.say('measurements get through again');
  }
}
