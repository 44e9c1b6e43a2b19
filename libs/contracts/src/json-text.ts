/**
 * JSON that stays the text it is: who only keeps it or passes it on need not read and write every number of it.
 * `JSON.stringify` of it gives the same JSON.
 */
export class JsonText {
  /** @param text valid JSON, without lone surrogates */
  constructor(readonly text: string) {}

  parse(): unknown {
    return JSON.parse(this.text);
  }

  toJSON(): unknown {
    return this.parse();
  }
}

/** Data of an event, parsed if it is still text. */
export function parsed(data: unknown): unknown {
  return data instanceof JsonText ? data.parse() : data;
}
