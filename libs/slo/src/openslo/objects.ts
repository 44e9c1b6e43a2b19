import { Cursor } from '../interchange/cursor.js';
import type { Notes } from '../interchange/notes.js';
import { isSlothDocument } from '../sloth/specification.js';
import { isOpenSloKind, type OpenSloKind, referenceFaults } from './reference-rules.js';
import { upgradeSlo } from './v1alpha.js';

/** An object of OpenSLO v1. */
export interface OpenSloObject {
  apiVersion: 'openslo/v1';
  kind: string;
  metadata: {
    name: string;
    displayName?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: Record<string, unknown>;
}

export interface OpenSloOptions {
  /**
   * Refuse what the reference validator refuses, and a month that is written as a minute. Otherwise that is warned about, and
   * read as far as it can be.
   */
  strict?: boolean;
  /** Address of the Prometheus of metrics whose DataSource says none. */
  prometheusUrl?: string | undefined;
  /** `every` of SLIs that are fetched and whose metrics say none. */
  every?: string | undefined;
}

/** The objects of an import, by kind and name. */
export class OpenSloObjects {
  readonly #objects: { kind: OpenSloKind; cursor: Cursor }[] = [];
  readonly prometheusUrl: string | undefined;
  readonly every: string | undefined;
  readonly strict: boolean;

  /** @param documents parsed documents; a list stands for its entries */
  constructor(
    documents: unknown[],
    readonly notes: Notes,
    options: OpenSloOptions,
  ) {
    this.prometheusUrl = options.prometheusUrl;
    this.every = options.every;
    this.strict = options.strict === true;
    for (const document of documents.flat()) this.#add(document, this.strict, document);
  }

  of(kind: OpenSloKind): Cursor[] {
    return this.#objects.filter((object) => object.kind === kind).map(({ cursor }) => cursor);
  }

  /** The object that a reference names; undefined when it names nothing or nothing that is here. */
  find(kind: OpenSloKind, reference: Cursor): Cursor | undefined {
    const name = reference.text();
    return name === undefined
      ? undefined
      : this.of(kind).find((cursor) => cursor.at('metadata').at('name').text() === name);
  }

  /** @param given the document that this one was made of */
  #add(document: unknown, strict: boolean, given: unknown): void {
    const root = new Cursor(document, titleOf(document), this.notes, '', given);
    const [version, kind] = [root.at('apiVersion'), root.at('kind')];
    if (version.text() === 'openslo/v1alpha' && !strict) {
      if (kind.text() === 'SLO') {
        for (const slo of upgradeSlo(document as Record<string, unknown>)) this.#add(slo, strict, given);
        return;
      }
    } else if (isSlothDocument(document)) {
      root.fault('is a Sloth specification, and no OpenSLO: import it as sloth');
      return;
    } else if (version.text() !== 'openslo/v1') {
      version.fault(
        `is ${version.text() ?? 'missing'}: it must be openslo/v1${strict ? '' : ' (or openslo/v1alpha)'}`,
      );
      return;
    }
    if (!isOpenSloKind(kind.value)) {
      kind.fault(`${kind.text() ?? '(missing)'} is not a kind of OpenSLO v1`);
      return;
    }
    for (const { path, message } of referenceFaults(kind.value, {
      ...Object(document),
      apiVersion: 'openslo/v1',
    })) {
      const note = { object: root.object, path, message, document: given };
      if (strict) this.notes.fault(note);
      else this.notes.warn(note);
    }
    this.#objects.push({ kind: kind.value, cursor: root });
  }
}

function titleOf(document: unknown): string {
  const { kind, metadata } = Object(document) as { kind?: unknown; metadata?: { name?: unknown } };
  return `${typeof kind === 'string' ? kind : 'document'} ${metadata?.name ?? '(no name)'}`;
}
