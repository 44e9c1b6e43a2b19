import { CLOUDEVENTS_JSON, type Fault, measurementReceipt, problem } from '@bellwether/contracts';
import { SpanKind } from '@opentelemetry/api';
import type { Batch } from './batch.js';
import { MeasurementRefused, NotTakenYet, TokenRefused } from './errors.js';
import { sendInSpan } from './send-span.js';
import type { Acknowledgement, Transport } from './transport.js';

export interface HttpTransportOptions {
  /** Address of ingest: `http://127.0.0.1:8081`. */
  url: string;
  /** A token with the role `publisher`; a function is asked before each attempt, for tokens that are rotated. */
  token: string | (() => string);
  /** How long an answer may take, milliseconds. */
  timeoutMs: number;
}

/** Answers that say "not now" or "not here", besides all of 5xx. */
const passing = new Set([408, 425, 429]);
/** Answers to the token, and not to the measurement. */
const tokenRefused = new Set([401, 403]);

/** Over HTTP, `POST /v1/measurements/{service}/{sli}`; an answer means that it is committed to the log. */
export class HttpTransport implements Transport {
  readonly #base: string;

  constructor(private readonly options: HttpTransportOptions) {
    this.#base = options.url.replace(/\/+$/, '');
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Acknowledgement> {
    const url = `${this.#base}/v1/measurements/${batch.service}/${batch.sli}`;
    const attributes = {
      'http.request.method': 'POST',
      'url.full': url,
      'bellwether.points': batch.size,
    };
    return await sendInSpan(batch, 'POST', { kind: SpanKind.CLIENT, attributes }, (trace) =>
      this.#post(batch, url, trace, signal),
    );
  }

  async #post(
    batch: Batch,
    url: string,
    trace: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Acknowledgement> {
    const { token } = this.options;
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...trace,
        'content-type': CLOUDEVENTS_JSON,
        authorization: `Bearer ${typeof token === 'function' ? token() : token}`,
      },
      body: batch.body(),
      signal: AbortSignal.any([signal, AbortSignal.timeout(this.options.timeoutMs)]),
    });
    const text = await response.text();
    if (response.status === 202) {
      const receipt = measurementReceipt.safeParse(parsed(text));
      return receipt.success && receipt.data.accepted === 0 ? 'duplicate' : 'accepted';
    }
    const { detail, faults } = explanation(response.status, text);
    if (response.status >= 500 || passing.has(response.status)) {
      throw new NotTakenYet(detail, retryAfterMs(response.headers.get('retry-after')));
    }
    if (tokenRefused.has(response.status)) throw new TokenRefused(detail);
    throw new MeasurementRefused(detail, faults);
  }

  async close(): Promise<void> {}
}

function explanation(status: number, text: string): { detail: string; faults: Fault[] } {
  const answer = problem.safeParse(parsed(text));
  return answer.success
    ? { detail: answer.data.detail, faults: answer.data.errors ?? [] }
    : { detail: `answered ${status}`, faults: [] };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfterMs(header: string | null): number | undefined {
  return header !== null && /^\d{1,4}$/.test(header) ? Number(header) * 1000 : undefined;
}
