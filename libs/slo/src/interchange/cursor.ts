import { resourceName } from '@bellwether/contracts';
import type { Notes } from './notes.js';

/**
 * A place in a parsed document that nobody has checked: reads what fits, and knows its path when something does not.
 * A key without a value (`alertPolicies:`) is as good as absent, as the specifications' own examples have it.
 */
export class Cursor {
  constructor(
    readonly value: unknown,
    readonly object: string,
    readonly notes: Notes,
    readonly path = '',
    readonly document: unknown = value,
  ) {}

  at(key: string | number): Cursor {
    const inner = isRecord(this.value) || Array.isArray(this.value) ? Object(this.value)[key] : undefined;
    const path = this.path === '' ? String(key) : `${this.path}.${key}`;
    return new Cursor(inner, this.object, this.notes, path, this.document);
  }

  /** The same place, spoken of as another object. */
  as(object: string): Cursor {
    return new Cursor(this.value, object, this.notes, this.path, this.document);
  }

  /** The first of the keys that is there: `error_query` of a file is `errorQuery` of a Kubernetes resource. */
  either(...keys: string[]): Cursor {
    return this.at(keys.find((key) => this.at(key).present) ?? (keys[0] as string));
  }

  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The text, or undefined when there is none; a number or a truth value is its text. */
  text(): string | undefined {
    if (typeof this.value === 'number' || typeof this.value === 'boolean') return String(this.value);
    return typeof this.value === 'string' && this.value !== '' ? this.value : undefined;
  }

  number(): number | undefined {
    return typeof this.value === 'number' && Number.isFinite(this.value) ? this.value : undefined;
  }

  items(): Cursor[] {
    return Array.isArray(this.value) ? this.value.map((_, i) => this.at(i)) : [];
  }

  entries(): [string, Cursor][] {
    return isRecord(this.value) ? Object.keys(this.value).map((key) => [key, this.at(key)]) : [];
  }

  /** The text as a resource name; one that is none is made into one, with a warning. Undefined: a fault is noted. */
  name(): string | undefined {
    const given = this.text();
    if (given === undefined) {
      this.fault('is required');
      return undefined;
    }
    const name = resourceNameOf(given);
    if (name === '') this.fault(`"${given}" cannot be made into a name: use letters a-z, digits and "-"`);
    else if (name !== given)
      this.warn(`"${given}" is no name here and becomes "${name}": use letters a-z, digits and "-"`);
    return name || undefined;
  }

  warn(message: string): void {
    this.notes.warn({ object: this.object, path: this.path, message, document: this.document });
  }

  fault(message: string): void {
    this.notes.fault({ object: this.object, path: this.path, message, document: this.document });
  }
}

/** The resource name nearest to a text: itself when it is one, else lower-case words joined by "-"; may be empty. */
export function resourceNameOf(text: string, longest = 63): string {
  if (text.length <= longest && resourceName.safeParse(text).success) return text;
  return text
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-+|-+$/g, '');
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
