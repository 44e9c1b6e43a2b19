import { type Clock, CommandRefused } from '@bellwether/contracts';
import { requestContext, type Tracing } from '@bellwether/service';
import { ownActor, source } from './cause.js';
import type { Deliveries } from './deliveries.js';
import type { ClaimedDue, DueTable } from './due-table.js';
import { carrierOf, type LoadedPage } from './page-stream.js';
import type { Pages } from './pages.js';
import type { OnPagingStep } from './steps.js';

export interface DispatcherOptions {
  due: DueTable;
  pages: Pages;
  deliveries: Deliveries;
  clock: Clock;
  tracing: Pick<Tracing, 'span'>;
  onStep: OnPagingStep;
  /** Called in the story of the page, as far as that could be read. */
  onError: (error: unknown, due: ClaimedDue | null) => void;
  /** How often to look when nothing wakes it, milliseconds of real time. */
  pollMs?: number;
}

/** Calls under way at once: in all, and to one receiver, so that a slow one delays nobody else. */
const mostAtWork = 512;
const mostPerLane = 4;
/** After an error (the database away, say) an entry rests for this long, in real time. */
const restMs = 500;

/** Does what is due as its time comes: next actions of pages, deliveries, notices. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #atWork = new Map<string, { lane: string; work: Promise<void> }>();
  #running = false;
  #woken = false;
  #wake: () => void = () => {};
  #loop: Promise<void> = Promise.resolve();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#loop = this.#run();
  }

  /** Something may be due now. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  /** Takes up nothing more, and lets what is under way come to its end. */
  async stop(): Promise<void> {
    this.#running = false;
    this.wake();
    await this.#loop;
    await Promise.all([...this.#atWork.values()].map(({ work }) => work));
  }

  async #run(): Promise<void> {
    while (this.#running) {
      this.#woken = false;
      const taken = await this.#takeUp().catch((error: unknown) => {
        this.#options.onError(error, null);
        return 0;
      });
      if (taken === 0) await this.#pause();
    }
  }

  async #takeUp(): Promise<number> {
    const { due, clock } = this.#options;
    const perLane = Map.groupBy([...this.#atWork.values()], ({ lane }) => lane);
    const busy = [...perLane].flatMap(([lane, works]) => (isFull(lane, works.length) ? [lane] : []));
    const room = mostAtWork - this.#atWork.size;
    const claimed = await due.claim(clock.now(), room, [...this.#atWork.keys()], busy);
    let taken = 0;
    for (const entry of claimed) {
      const under = [...this.#atWork.values()].filter(({ lane }) => lane === entry.lane).length;
      if (isFull(entry.lane, under)) await due.release(entry);
      else {
        this.#begin(entry);
        taken += 1;
      }
    }
    return taken;
  }

  #begin(entry: ClaimedDue): void {
    const name = `${entry.page} ${entry.key}`;
    const work = this.#do(entry).finally(() => {
      this.#atWork.delete(name);
      this.wake();
    });
    this.#atWork.set(name, { lane: entry.lane, work });
  }

  async #do(entry: ClaimedDue): Promise<void> {
    const { onStep, onError, pages, due } = this.#options;
    try {
      await onStep('due-claimed', entry.page);
      const page = await pages.load(entry.page);
      const { meta } = carrierOf(page, entry.key) ?? {};
      const story = {
        correlationId: meta?.correlationId ?? entry.page,
        actor: ownActor,
        traceparent: meta?.traceparent,
      };
      await requestContext.run(story, () => this.#carryOut(page, entry));
    } catch (error) {
      await this.#fail(error, entry);
    }
    await due.release(entry).catch((error: unknown) => onError(error, entry));
  }

  async #carryOut(page: LoadedPage, entry: ClaimedDue): Promise<void> {
    const { deliveries, tracing } = this.#options;
    const { key, kind } = entry;
    const name = kind === 'next' ? 'advance page' : 'deliver page';
    const attributes = { 'bellwether.page': page.id, 'bellwether.due': `${kind} ${key}` };
    try {
      await tracing.span(name, { attributes }, async () => {
        if (kind === 'delivery') await deliveries.attempt(page, key);
        else if (kind === 'notice') await deliveries.notify(page, key);
        else await this.#advance(page);
      });
    } catch (error) {
      await this.#fail(error, entry);
    }
  }

  async #fail(error: unknown, entry: ClaimedDue): Promise<void> {
    this.#options.onError(error, entry);
    if (this.#running) await new Promise((resolve) => setTimeout(resolve, restMs));
  }

  /** A page's next action. */
  async #advance({ id, state, version, events }: LoadedPage): Promise<void> {
    const { pages } = this.#options;
    const last = events.at(-1);
    if (!state || !last) return;
    const { traceparent } = requestContext.getStore() ?? {};
    const meta = {
      correlationId: last.meta.correlationId,
      causationId: last.id,
      actor: ownActor,
      source,
      ...(traceparent ? { traceparent } : {}),
    };
    try {
      await pages.act(id, { kind: 'advance' }, { meta, commandId: `advance:${id}:${version}` });
    } catch (error) {
      if (!(error instanceof CommandRefused)) throw error;
    }
  }

  async #pause(): Promise<void> {
    if (this.#woken || !this.#running) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.pollMs ?? 100);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = () => {};
  }
}

/** Next actions make no calls; they share no receiver. */
function isFull(lane: string, atWork: number): boolean {
  return lane !== 'next' && atWork >= mostPerLane;
}
