import type { PageNotification } from '@bellwether/contracts';
import { type Clock, noTracer, type OpenSpan, systemClock, type Tracer } from '@bellwether/contracts';
import type { CallOutcome } from '@bellwether/oncall';
import { Webhook } from 'standardwebhooks';
import { CallFailed, post } from './http-post.js';

/** How and where to deliver. */
export type Call = { id: string; notification: PageNotification } & (
  | { kind: 'webhook'; address: string; secret: string | null }
  | { kind: 'console'; user: string | null }
);

export interface CallerOptions {
  timeoutMs: number;
  privateAddresses: 'allow' | 'refuse';
  /** Where the `console` method prints. */
  print: (line: string) => void;
  /** Of `webhook-timestamp`, by which receivers tell replays: real time also where a rehearsal's clock is not. */
  wireClock?: Clock;
  tracer?: Tracer;
}

const gone = 410;

/** Makes the calls that deliver pages. */
export class Caller {
  readonly #options: CallerOptions;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  /** Delivers; whatever goes wrong is an outcome, not an error. */
  async call(call: Call): Promise<CallOutcome> {
    if (call.kind === 'console') {
      this.#options.print(line(call.notification, call.user));
      return { kind: 'delivered', statusCode: null };
    }
    const span = this.#begin(call);
    try {
      const body = JSON.stringify(call.notification);
      const statusCode = await post(call.address, {
        headers: { ...this.#headers(call.id, call.secret, body), ...traceHeader(span) },
        body,
        timeoutMs: this.#options.timeoutMs,
        privateAddresses: this.#options.privateAddresses,
      });
      const attributes = { 'http.response.status_code': statusCode };
      if (statusCode >= 200 && statusCode < 300) {
        span.end({ attributes });
        return { kind: 'delivered', statusCode };
      }
      const error = describe(statusCode);
      span.end({ error: new Error(error), attributes: { ...attributes, 'error.type': String(statusCode) } });
      return { kind: 'failed', statusCode, error, gone: statusCode === gone };
    } catch (error) {
      span.end({ error });
      const message = error instanceof CallFailed ? error.message : 'the call could not be made';
      return { kind: 'failed', statusCode: null, error: message, gone: false };
    }
  }

  /** Without path or query: an address may hold a token of the receiver. */
  #begin({ id, address, notification }: Extract<Call, { kind: 'webhook' }>): OpenSpan {
    const url = URL.parse(address);
    return (this.#options.tracer ?? noTracer).begin('POST', {
      kind: 'client',
      attributes: {
        'http.request.method': 'POST',
        'server.address': url?.hostname ?? '',
        'server.port': Number(url?.port || (url?.protocol === 'https:' ? 443 : 80)),
        'bellwether.page': notification.page.id,
        'bellwether.webhook_id': id,
      },
    });
  }

  #headers(id: string, secret: string | null, body: string): Record<string, string> {
    const timestamp = (this.#options.wireClock ?? systemClock).now();
    return {
      'content-type': 'application/json',
      'user-agent': 'bellwether',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(timestamp.getTime() / 1000)),
      ...(secret === null ? {} : { 'webhook-signature': new Webhook(secret).sign(id, timestamp, body) }),
    };
  }
}

/** What the receiver does because of the page can be seen in the page's trace. */
function traceHeader({ traceparent }: OpenSpan): Record<string, string> {
  return traceparent === undefined ? {} : { traceparent };
}

function describe(status: number): string {
  if (status === gone) return 'status 410: the receiver is gone';
  if (status >= 300 && status < 400) return `status ${status}: redirects are not followed`;
  return `status ${status}`;
}

function line({ type, page }: PageNotification, user: string | null): string {
  const what = type === 'page.resolved' ? 'RESOLVED' : 'PAGE';
  const where = page.service === null ? '' : ` ${page.service}:`;
  const runbook = page.runbookUrl === undefined ? '' : ` · runbook: ${page.runbookUrl}`;
  const call = type === 'page.resolved' ? '' : `${runbook} · acknowledge: ${page.acknowledgeUrl}`;
  return `${what} ${page.id} [${page.severity}]${where} ${page.title} → ${user ?? 'console'}${call}`;
}
