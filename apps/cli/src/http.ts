import type { Fault, Problem } from '@bellwether/contracts';
import type { Context } from './context.js';
import { CliError, ExitCode } from './errors.js';
import { kinds } from './manifest.js';

export interface Answer<T> {
  status: number;
  body: T;
  etag: string | null;
  headers: Headers;
}

export interface RequestOptions {
  body?: unknown;
  headers?: Record<string, string>;
  /** Answer undefined instead of an error for 404. */
  optional?: boolean;
  base?: 'api' | 'ingest';
  accept?: string;
}

/** JSON over HTTP with problem details turned into errors that a person can act on. */
export class HttpClient {
  constructor(private readonly context: Context) {}

  get<T>(path: string, options: Omit<RequestOptions, 'body'> = {}): Promise<Answer<T>> {
    return this.request<T>('GET', path, options);
  }

  /** The body, or undefined when the server answers 404. */
  async find<T>(path: string): Promise<T | undefined> {
    const answer = await this.request<T>('GET', path, { optional: true });
    return answer.status === 404 ? undefined : answer.body;
  }

  post<T>(path: string, body: unknown = {}, options: RequestOptions = {}): Promise<Answer<T>> {
    return this.request<T>('POST', path, { ...options, body });
  }

  put<T>(path: string, body: unknown): Promise<Answer<T>> {
    return this.request<T>('PUT', path, { body });
  }

  delete<T>(path: string): Promise<Answer<T>> {
    return this.request<T>('DELETE', path, {});
  }

  /**
   * Every item of a list, over all its pages.
   * @param onPage gets each page as it is, for what it says besides its items
   */
  async *list<T>(path: string, onPage?: (page: object) => void): AsyncGenerator<T> {
    let cursor: string | null = null;
    do {
      const url: string = cursor
        ? `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`
        : path;
      const { body } = await this.get<{ items: T[]; nextCursor: string | null }>(url);
      onPage?.(body);
      yield* body.items;
      cursor = body.nextCursor;
    } while (cursor);
  }

  /** The response as it is, for streams. */
  async raw(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const base = options.base === 'ingest' ? this.context.ingestUrl : this.context.apiUrl;
    // What `fetch` says of such a header shows it.
    if (/[^\x21-\x7e]/.test(this.context.token ?? ''))
      throw new CliError(
        'the token holds a line break, a blank or the like: BELLWETHER_TOKEN or --token must be the token alone',
        ExitCode.usage,
      );
    try {
      return await fetch(`${base}${path}`, {
        method,
        headers: {
          accept: options.accept ?? 'application/json',
          ...(this.context.token ? { authorization: `Bearer ${this.context.token}` } : {}),
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).message;
      const names =
        options.base === 'ingest' ? '--ingest-url or BELLWETHER_INGEST_URL' : '--url or BELLWETHER_URL';
      throw new CliError(
        `cannot reach ${base} (${cause}); is Bellwether running? Start it with "bellwether up", or name it with ${names}`,
        ExitCode.unreachable,
      );
    }
  }

  private async request<T>(method: string, path: string, options: RequestOptions): Promise<Answer<T>> {
    const response = await this.raw(method, path, options);
    const text = await response.text();
    if (!response.ok && !(options.optional && response.status === 404))
      throw refusal(response, text, this.context, { method, path });
    const type = response.headers.get('content-type') ?? '';
    const body = (text !== '' && type.includes('json') ? JSON.parse(text) : text) as T;
    return { status: response.status, body, etag: response.headers.get('etag'), headers: response.headers };
  }
}

/** Turns a problem document into an error. */
export async function refusalOf(response: Response, context: Context): Promise<CliError> {
  return refusal(response, await response.text(), context);
}

interface Asked {
  method: string;
  path: string;
}

function refusal(response: Response, text: string, context: Context, asked?: Asked): CliError {
  const problem = parseProblem(text);
  if (response.status === 401) {
    if (context.token === undefined && context.unreadableToken !== undefined)
      return new CliError(`not authenticated: ${context.unreadableToken}`);
    const remedy = context.token
      ? 'the token is not valid (any more)'
      : 'no token: set BELLWETHER_TOKEN or --token';
    return new CliError(
      `not authenticated at ${serverOf(response)}: ${remedy}. A local run keeps its admin token in ${context.tokenFile}`,
    );
  }
  const what = problem
    ? `${problem.title} (${problem.status}): ${response.status === 504 ? unanswered(problem, asked) : problem.detail}`
    : `HTTP ${response.status}`;
  const faults = problem?.errors ?? [];
  // One fault is mostly what the detail says already.
  const [only, ...more] = faults;
  const told = only !== undefined && more.length === 0 && problem?.detail.endsWith(only.message);
  return new CliError(
    what,
    // Malformed: the call is wrong, whoever finds that out.
    response.status === 400 ? ExitCode.usage : ExitCode.failed,
    told ? [] : faults.map(({ path, message }: Fault) => `${path === '' ? '(root)' : path}: ${message}`),
    response.status,
  );
}

/** Who refused: with nothing running here it may be another server, on the port that is asked by default. */
const serverOf = ({ url }: Response): string => (URL.canParse(url) ? new URL(url).origin : 'the server');

/** What to do when nothing came back in time: this program repeats nothing by itself, and sends no key to repeat with. */
function unanswered({ detail }: Problem, asked?: Asked): string {
  const [what = detail] = detail.split('; repeat the request');
  if (asked === undefined || asked.method === 'GET') return `${what}; try again`;
  const look = lookCommand(asked.path);
  return `${what}. It may have been done all the same: look${look === null ? '' : ` with "bellwether ${look}"`} before you repeat it`;
}

/** The command that shows what a path is about; null where there is none. */
function lookCommand(path: string): string | null {
  const [, list, ...names] =
    path.split('?', 1)[0]?.replace(/^\/v1/, '').split('/').map(decodeURIComponent) ?? [];
  const [name] = names;
  if (list === undefined || name === undefined) return list === 'incidents' ? 'incident list' : null;
  if (list === 'pages') return `page show ${name}`;
  if (list === 'incidents') return `incident show ${name}`;
  if (list === 'schedules' && names[1] === 'overrides') return `oncall overrides ${name}`;
  if (list === 'slos' && names[1] === 'corrections') return `corrections ${name}`;
  if (list === 'services' && names[1] === 'gate') return `gate ${name}`;
  const [kind] = Object.entries(kinds).find(([, { plural }]) => plural === list) ?? [];
  return kind === undefined ? null : `get ${kind} ${kind === 'sli' ? names.join('/') : name}`;
}

function parseProblem(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Problem;
    return typeof value.title === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
