import { z } from 'zod';
import { SourceFailure } from './source-failure.js';

/** A series of an answer: its labels, and values by epoch seconds. */
export interface Series {
  labels: Readonly<Record<string, string>>;
  values: readonly (readonly [seconds: number, value: number])[];
}

/** Evaluation times from `start` to `end`, every `step`; epoch milliseconds, whole seconds. */
export interface Range {
  start: number;
  end: number;
  step: number;
}

/** Longest answer that is read, in bytes: one is for 500 periods at most. */
const LONGEST_ANSWER = 32 * 1_048_576;
const LONGEST_ERROR = 300;
/** How long an answer is waited for at least, milliseconds. */
const SHORTEST_TIMEOUT = 5_000;

const answer = z.object({
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])).optional(),
      }),
    ),
  }),
});
const refusal = z.object({ status: z.literal('error'), errorType: z.string(), error: z.string() });

/** The part of Prometheus' HTTP API that a source needs. */
export class QueryApi {
  /**
   * @param headersOf what goes along to an address (its origin); credentials
   * @param timeoutMs of one request at most. It is not longer than the periods that are asked for: who has not answered
   *   when the next one is over is behind for good, and people are to know soon.
   */
  constructor(
    private readonly headersOf: (origin: string) => Promise<Record<string, string>>,
    private readonly timeoutMs: number,
  ) {}

  /**
   * The values of a query at each time of a range.
   * @param base address without `/api/v1`
   * @throws SourceFailure
   */
  async range(
    base: string,
    query: string,
    { start, end, step }: Range,
    signal: AbortSignal,
  ): Promise<Series[]> {
    const timeoutMs = Math.min(this.timeoutMs, Math.max(SHORTEST_TIMEOUT, step));
    const url = `${base.replace(/\/+$/, '')}/api/v1/query_range`;
    const form = new URLSearchParams({
      query,
      start: String(start / 1000),
      end: String(end / 1000),
      step: String(step / 1000),
      timeout: `${Math.max(1, Math.floor(timeoutMs / 1000))}s`,
    });
    const text = await this.ask(url, form, timeoutMs, signal);
    const parsed = answer.safeParse(json(text));
    if (!parsed.success) throw new SourceFailure(`${base} answers what is no result of a range query`);
    return parsed.data.data.result.map(({ metric, values }) => {
      if (values === undefined)
        throw new SourceFailure(
          'the answer has native histograms and no numbers: take a number of them, such as histogram_count()',
        );
      const { __name__: _, ...labels } = metric;
      return { labels, values: values.map(([seconds, value]) => [seconds, numberOf(value)] as const) };
    });
  }

  private async ask(
    url: string,
    form: URLSearchParams,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<string> {
    const { origin } = new URL(url);
    const timeout = AbortSignal.timeout(timeoutMs);
    const headers = await this.headersOf(origin);
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method: 'POST',
        body: form,
        headers: { accept: 'application/json', ...headers },
        // Credentials are for the address that was named.
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout]),
      });
      text = await read(response);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof SourceFailure) throw error;
      if (timeout.aborted)
        throw new SourceFailure(`${origin} did not answer within ${Math.round(timeoutMs / 1000)} s`, true);
      throw new SourceFailure(`${origin} does not answer: ${reasonOf(error)}`);
    }
    if (response.ok) return text;
    throw new SourceFailure(`${origin} ${refused(response, text)}`);
  }
}

/** The body, as long as it is no longer than what is expected of it. */
async function read({ body }: Response): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > LONGEST_ANSWER)
      throw new SourceFailure('the answer is too long: the query has too many series; aggregate them');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused({ status, headers }: Response, text: string): string {
  if (status >= 300 && status < 400)
    return `redirects to ${headers.get('location') ?? 'another address'}: name that one`;
  const said = refusal.safeParse(json(text));
  if (said.success)
    return `refuses the query: ${said.data.error.slice(0, LONGEST_ERROR)} (${said.data.errorType})`;
  const needs =
    status === 401 || status === 403 ? '; credentials are given by BELLWETHER_PROMETHEUS_HEADERS' : '';
  return `answers ${status}${needs}`;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Prometheus spells what JSON has no numbers for: NaN, +Inf, -Inf. */
function numberOf(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

/** `ECONNREFUSED` rather than "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message?: string };
  return cause?.code ?? cause?.message ?? message ?? String(error);
}
