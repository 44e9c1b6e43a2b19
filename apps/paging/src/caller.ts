import type { PageNotification } from '@bellwether/contracts';
import { type Clock, systemClock } from '@bellwether/contracts';
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
    try {
      const body = JSON.stringify(call.notification);
      const statusCode = await post(call.address, {
        headers: this.#headers(call.id, call.secret, body),
        body,
        timeoutMs: this.#options.timeoutMs,
        privateAddresses: this.#options.privateAddresses,
      });
      if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered', statusCode };
      return { kind: 'failed', statusCode, error: describe(statusCode), gone: statusCode === gone };
    } catch (error) {
      const message = error instanceof CallFailed ? error.message : 'the call could not be made';
      return { kind: 'failed', statusCode: null, error: message, gone: false };
    }
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

function describe(status: number): string {
  if (status === gone) return 'status 410: the receiver is gone';
  if (status >= 300 && status < 400) return `status ${status}: redirects are not followed`;
  return `status ${status}`;
}

function line({ type, page }: PageNotification, user: string | null): string {
  const what = type === 'page.resolved' ? 'RESOLVED' : 'PAGE';
  const where = page.service === null ? '' : ` ${page.service}:`;
  const call = type === 'page.resolved' ? '' : ` · acknowledge: ${page.acknowledgeUrl}`;
  return `${what} ${page.id} [${page.severity}]${where} ${page.title} → ${user ?? 'console'}${call}`;
}
