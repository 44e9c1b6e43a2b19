import { type Clock, CONTROL_JOURNAL, LogStreams, type User } from '@bellwether/contracts';
import { type EventLog, VersionConflict } from '@bellwether/event-log';
import {
  type CallOutcome,
  type DeliveryState,
  decideAttempt,
  decideNoticeOutcome,
  decideOutcome,
  type Hmac,
  type NoticeState,
  type PageState,
  pageNotification,
  signAcknowledgeLink,
  usableMethod,
} from '@bellwether/oncall';
import { type Logger, requestContext } from '@bellwether/service';
import type { Call, Caller } from './caller.js';
import { type Cause, ownActor, source } from './cause.js';
import { carrierOf, type LoadedPage } from './page-stream.js';
import type { Pages } from './pages.js';
import type { Roster } from './roster.js';
import type { OnPagingStep } from './steps.js';

export interface DeliveriesOptions {
  log: EventLog;
  pages: Pages;
  roster: Roster;
  caller: Caller;
  clock: Clock;
  /** Opens a sealed secret. */
  unseal: (sealed: string) => string;
  hmac: Hmac;
  linkMillis: number;
  /** Where people reach the api, without a trailing slash. */
  publicUrl: string;
  onStep: OnPagingStep;
  logger: Pick<Logger, 'info' | 'warn'>;
  /** Told of each call's outcome and of how long after it was due it was known, in milliseconds. */
  onOutcome: (kind: Call['kind'], outcome: CallOutcome, tookMillis: number) => void;
}

type Way = { address: string; secret: string | null } | { missing: string };

/** Carries out what is due: one attempt of one delivery, or one notice that a page is over. */
export class Deliveries {
  readonly #options: DeliveriesOptions;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /**
   * One attempt: recorded, made, its outcome recorded. A crash in between leads to a further attempt under the
   * same key; the receiver tells by it.
   */
  async attempt(before: LoadedPage, key: string): Promise<void> {
    const { pages, onStep, onOutcome, clock } = this.#options;
    const { id } = before;
    const delivery = before.state?.deliveries.find((each) => each.key === key);
    if (!before.state || !delivery) return;
    const user = delivery.user === null ? null : await this.#options.roster.user(delivery.user);
    const way = this.#wayOf(delivery, user);
    if ('missing' in way) return this.#recordMissing(before, delivery, way.missing, user);
    const attempted = await pages.record(id, this.#cause(before, key), (page, incident) => {
      const cancelled = pages.cancelled(page, incident);
      if (cancelled || !page.state) return cancelled ?? { decisions: [] };
      const next = page.state.deliveries.find((each) => each.key === key);
      return {
        decisions: decideAttempt(page.state, key, clock.now().getTime()),
        commandId: `attempt:${key}:${(next?.attempts ?? 0) + 1}`,
      };
    });
    const first = attempted.decisions[0];
    if (first?.type !== 'page.attempted' || !attempted.state) return;
    const { attempt } = first.data;
    await onStep('attempt-recorded', id);
    const call = this.#call('page.requested', attempted.state, delivery, attempt, way);
    const outcome = await this.#deliver(call);
    await onStep('called', id);
    await this.#recordOutcome(attempted, delivery, attempt, outcome, user);
    onOutcome(delivery.kind, outcome, clock.now().getTime() - delivery.dueAt);
    await onStep('outcome-recorded', id);
    if (outcome.kind === 'failed' && outcome.gone && user)
      await this.#disable(user.name, delivery, attempted);
  }

  /** Tells somebody who was notified that the page is over. */
  async notify(page: LoadedPage, key: string): Promise<void> {
    const { pages, clock } = this.#options;
    const { id } = page;
    const notice = page.state?.notices.find((each) => each.key === key);
    if (!page.state || !notice || notice.nextAt === null || notice.nextAt > clock.now().getTime()) return;
    const user = notice.user === null ? null : await this.#options.roster.user(notice.user);
    const way = this.#wayOf(notice, user);
    const attempt = notice.attempts + 1;
    const outcome: CallOutcome =
      'missing' in way
        ? { kind: 'failed', statusCode: null, error: way.missing, gone: true }
        : await this.#deliver(this.#call('page.resolved', page.state, notice, attempt, way));
    await this.#options.onStep('called', id);
    await pages.record(id, this.#cause(page, key), ({ state }) => ({
      decisions: state ? decideNoticeOutcome(state, key, outcome, clock.now().getTime()) : [],
      commandId: `notice:${key}:${attempt}`,
    }));
  }

  /** The address stays out of the log: it may hold a token of the receiver. */
  async #deliver(call: Call): Promise<CallOutcome> {
    const { caller, logger } = this.#options;
    const outcome = await caller.call(call);
    const { type, page } = call.notification;
    const about = { page: page.id, type, delivery: call.id, attempt: page.attempt, method: call.kind };
    if (outcome.kind === 'delivered') logger.info(about, 'a page was delivered');
    else
      logger.warn(
        { ...about, statusCode: outcome.statusCode, reason: outcome.error },
        'a page was not taken',
      );
    return outcome;
  }

  async #recordMissing(
    page: LoadedPage,
    delivery: DeliveryState,
    error: string,
    user: User | null,
  ): Promise<void> {
    const { state } = page;
    const due = state && decideAttempt(state, delivery.key, this.#options.clock.now().getTime());
    if (!due?.length) return;
    const outcome: CallOutcome = { kind: 'failed', statusCode: null, error, gone: true };
    await this.#recordOutcome(page, delivery, delivery.attempts + 1, outcome, user);
  }

  async #recordOutcome(
    page: LoadedPage,
    { key }: DeliveryState,
    attempt: number,
    outcome: CallOutcome,
    user: User | null,
  ): Promise<void> {
    const { pages, clock } = this.#options;
    await pages.record(page.id, this.#cause(page, key), ({ state }) => ({
      decisions: state ? decideOutcome(state, key, attempt, outcome, user, clock.now().getTime()) : [],
      commandId: `outcome:${key}:${attempt}`,
    }));
  }

  #call(
    type: 'page.requested' | 'page.resolved',
    state: PageState,
    to: DeliveryState | NoticeState,
    attempt: number,
    way: { address: string; secret: string | null },
  ): Call {
    const { publicUrl, hmac, linkMillis, clock } = this.#options;
    const link = { page: state.id, user: to.user, expiresAt: clock.now().getTime() + linkMillis };
    const notification = pageNotification(
      type,
      state,
      { step: to.step, attempt },
      {
        acknowledgeUrl: `${publicUrl}/a/${signAcknowledgeLink(link, hmac)}`,
        explainUrl: `${publicUrl}/v1/explain/${state.id}`,
      },
    );
    const { key, user } = to;
    if (to.kind === 'console') return { id: key, notification, kind: 'console', user };
    return { id: key, notification, kind: 'webhook', ...way };
  }

  /** Where a call goes now: a person may have changed a method since the page was requested. */
  #wayOf({ user: name, method: id, address, secret }: DeliveryState | NoticeState, user: User | null): Way {
    if (name === null)
      return address === null ? { missing: 'the target has no address' } : this.#opened(address, secret);
    const method = usableMethod(user, id);
    if (!method) return { missing: `contact method ${id} of ${name} is gone, not verified or disabled` };
    return this.#opened(method.address, method.secret ?? null);
  }

  #opened(address: string, secret: string | null): Way {
    if (secret === null) return { address, secret };
    try {
      return { address, secret: this.#options.unseal(secret) };
    } catch {
      return { missing: 'the secret was sealed with another key: set it again' };
    }
  }

  /** The receiver answered 410: the method is not used again until somebody sets it anew. */
  async #disable(name: string, { key, method }: DeliveryState, page: LoadedPage): Promise<void> {
    const { log, clock } = this.#options;
    const stream = LogStreams.user(name);
    for (;;) {
      const events = await log.readStream(stream);
      const user = events.findLast((event) => event.type === 'user.defined')?.data as User | undefined;
      if (!user?.contactMethods.some((each) => each.id === method && each.disabled !== true)) return;
      const contactMethods = user.contactMethods.map((each) =>
        each.id === method ? { ...each, disabled: true } : each,
      );
      try {
        await log.append({
          journal: CONTROL_JOURNAL,
          stream,
          expectedVersion: events.at(-1)?.version ?? 0,
          commandId: `disable:${key}`,
          events: [
            {
              type: 'user.defined',
              data: { ...user, contactMethods },
              meta: this.#cause(page, key).meta,
              occurredAt: clock.now(),
            },
          ],
        });
        return;
      } catch (error) {
        if (!(error instanceof VersionConflict)) throw error;
      }
    }
  }

  #cause(page: LoadedPage, key: string): Cause {
    const { traceparent } = requestContext.getStore() ?? {};
    return {
      meta: {
        correlationId: page.events[0]?.meta.correlationId ?? page.id,
        causationId: carrierOf(page, key)?.id ?? null,
        actor: ownActor,
        source,
        ...(traceparent ? { traceparent } : {}),
      },
    };
  }
}
