/** Remembers the routes of a server, so that a known path asked with another method is 405 and not 404. */
export class AllowedMethods {
  readonly #routes: { pattern: RegExp; methods: Set<string> }[] = [];

  /** @param url a route as Fastify has it: `/v1/slos/:name`, `/docs/*` */
  add(url: string, methods: readonly string[]): void {
    if (url === '*' || url === '/*' || url === '') return;
    const source = url
      .split('/')
      .map((part) => (part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : part.replace(/[^\w-]/g, '\\$&')))
      .join('/');
    const known = this.#routes.find(({ pattern }) => pattern.source === new RegExp(`^${source}$`).source);
    if (known !== undefined) for (const method of methods) known.methods.add(method);
    else this.#routes.push({ pattern: new RegExp(`^${source}$`), methods: new Set(methods) });
  }

  /** The methods some route answers at this path, sorted; empty when the path is not known at all. */
  at(url: string): string[] {
    const path = url.split('?', 1)[0] ?? '';
    const found = new Set<string>();
    for (const { pattern, methods } of this.#routes) {
      if (pattern.test(path)) for (const method of methods) found.add(method);
    }
    return [...found].sort();
  }
}
