import type { Definitions } from './definitions.js';

/** A remark on a definition: which object, which field of it, what about it and what to do. */
export interface Note {
  /** Kind and name, such as `SLO main-page`. */
  object: string;
  /** Path of the field, dots and indexes: `spec.objectives.0.op`; empty for the object itself. */
  path: string;
  message: string;
}

/** What a file of another format came to: whole, or not at all. */
export type Imported =
  | { ok: true; definitions: Definitions; warnings: Note[] }
  | { ok: false; faults: Note[]; warnings: Note[] };

/** What is wrong with the objects being read (`faults`), and what is read otherwise than it is written (`warnings`). */
export class Notes {
  readonly #warnings: Note[] = [];
  readonly #faults: Note[] = [];

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
    const faults = lastOfEach(this.#faults);
    const at = new Set(faults.map(place));
    const warnings = lastOfEach(this.#warnings).filter((note) => !at.has(place(note)));
    return this.refused
      ? { ok: false, faults, warnings }
      : { ok: true, definitions: { services, slis, slos }, warnings };
  }
}

const place = ({ object, path }: Note): string => `${object} ${path}`;
const lastOfEach = (notes: Note[]): Note[] => [...new Map(notes.map((note) => [place(note), note])).values()];

/** `SLO main-page: spec.objectives.0.op: is forbidden …` */
export const noteText = ({ object, path, message }: Note): string =>
  path === '' ? `${object}: ${message}` : `${object}: ${path}: ${message}`;
