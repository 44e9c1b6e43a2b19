import type { Definitions } from './definitions.js';

/** A remark on a definition: which object, which field of it, what about it and what to do. */
export interface Note {
  /** Kind and name, such as `SLO main-page`. */
  object: string;
  /** Path of the field, dots and indexes: `spec.objectives.0.op`; empty for the object itself. */
  path: string;
  message: string;
  /** The document of an import that it is about, as it was given: who has read the file knows its place. */
  document?: unknown;
}

/** What a file of another format came to: whole, or not at all. */
export type Imported =
  | { ok: true; definitions: Definitions; warnings: Note[]; routing: Routing }
  | { ok: false; faults: Note[]; warnings: Note[] };

/** By SLO, the labels by which another tool routes its alerts to people: `page_alert severity=pageteam`. */
export type Routing = Record<string, string>;

/** What is wrong with the objects being read (`faults`), and what is read otherwise than it is written (`warnings`). */
export class Notes {
  readonly #warnings: Note[] = [];
  readonly #faults: Note[] = [];
  readonly #documents = new Map<unknown, number>();
  readonly routing: Routing = {};

  warn(note: Note): void {
    this.#warnings.push(note);
  }

  fault(note: Note): void {
    this.#faults.push(note);
  }

  get refused(): boolean {
    return this.#faults.length > 0;
  }

  /** The outcome: whole, or not at all. Of several remarks on one place the last is told, and a fault before any. */
  imported({ services, slis, slos }: Definitions): Imported {
    const faults = this.#lastOfEach(this.#faults);
    const at = new Set(faults.map((note) => this.#place(note)));
    const warnings = this.#lastOfEach(this.#warnings).filter((note) => !at.has(this.#place(note)));
    return this.refused
      ? { ok: false, faults, warnings }
      : { ok: true, definitions: { services, slis, slos }, warnings, routing: this.routing };
  }

  #lastOfEach(notes: Note[]): Note[] {
    return [...new Map(notes.map((note) => [this.#place(note), note])).values()];
  }

  /** Two files may well be about the same service. */
  #place({ document, object, path }: Note): string {
    const number = this.#documents.get(document) ?? this.#documents.size;
    this.#documents.set(document, number);
    return `${number} ${object} ${path}`;
  }
}

/** `SLO main-page: spec.objectives.0.op: is forbidden …` */
export const noteText = ({ object, path, message }: Note): string =>
  path === '' ? `${object}: ${message}` : `${object}: ${path}: ${message}`;
