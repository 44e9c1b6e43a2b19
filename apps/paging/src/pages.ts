import { isDeepStrictEqual } from 'node:util';
import { type Clock, CONTROL_JOURNAL, CommandRefused, continuing, LogStreams } from '@bellwether/contracts';
import { type EventLog, RequirementFailed, VersionConflict } from '@bellwether/event-log';
import {
  decidePage,
  evolvePage,
  type PageCommand,
  type PageContext,
  type PageDecision,
} from '@bellwether/oncall';
import type { Cause } from './cause.js';
import type { DueTable } from './due-table.js';
import { endingOf, filtersOf, type IncidentFacts, incidentFacts, subjectOf } from './incident-facts.js';
import { incidentOf, type LoadedPage, loadPage, pageOf } from './page-stream.js';
import type { Roster } from './roster.js';
import type { OnPagingStep } from './steps.js';
import type { Turns } from './turns.js';

export interface PagesOptions {
  log: EventLog;
  roster: Roster;
  due: DueTable;
  turns: Turns;
  clock: Clock;
  onStep: OnPagingStep;
  /** Called when something may have become due. */
  onDue: () => void;
}

/** A page after a command. `position` is that of the last event appended; 0 when nothing was. */
export interface PageOutcome extends LoadedPage {
  position: number;
  /** What was appended now; nothing when the command had been carried out before. */
  decisions: readonly PageDecision[];
}

/** What to append, and under which id when not under the cause's own. */
export interface PageChange {
  decisions: readonly PageDecision[];
  commandId?: string;
}

type Decide = (page: LoadedPage, incident: IncidentFacts) => Promise<PageChange> | PageChange;

/** Whether an incident is to its pages what it was, whatever was added to its stream. */
const saysTheSame = (one: IncidentFacts, other: IncidentFacts): boolean =>
  isDeepStrictEqual({ ...one, version: 0 }, { ...other, version: 0 });

/** Decisions that notify somebody; the incident must not have ended when they reach the log. */
const notifying: ReadonlySet<PageDecision['type']> = new Set(['page.requested', 'page.attempted']);
const mostTries = 100;

/** Pages: load, decide, append; again when somebody else was first. */
export class Pages {
  readonly #options: PagesOptions;

  constructor(options: PagesOptions) {
    this.#options = options;
  }

  load(id: string): Promise<LoadedPage> {
    return loadPage(this.#options.log, id);
  }

  async incident(id: string): Promise<IncidentFacts> {
    return incidentFacts(id, await this.#options.log.readStream(LogStreams.incident(id)));
  }

  /** Every page of an incident, oldest first. */
  async pagesOf(incident: string): Promise<LoadedPage[]> {
    const pages: LoadedPage[] = [];
    for (;;) {
      const page = await this.load(pageOf(incident, pages.length + 1));
      if (page.state === null) return pages;
      pages.push(page);
    }
  }

  /**
   * Carries out a command. A page whose incident has ended is cancelled instead: no page follows a resolve.
   * @param expect version of the page that the caller saw
   * @throws CommandRefused
   */
  async act(id: string, command: PageCommand, cause: Cause, expect?: number): Promise<PageOutcome> {
    const earlier = cause.commandHash === undefined ? null : await this.#recorded(cause);
    // A repeated command meets what it did itself, and is answered as it was the first time.
    if (earlier !== null) return { ...(await this.load(id)), position: earlier, decisions: [] };
    return this.record(id, cause, async (page, incident) => {
      if (expect !== undefined && expect !== page.version) {
        throw CommandRefused.staleVersion(expect, page.version);
      }
      if (page.state === null) throw CommandRefused.notFound(`page ${id}`);
      if (command.kind !== 'cancel') {
        const cancelled = this.cancelled(page, incident);
        if (cancelled) return cancelled;
      }
      return { decisions: await this.#decide(page, incident, command, cause) };
    });
  }

  /**
   * Opens the next page of an incident because of its event at `position`. Nothing when the incident has ended
   * since that event (a later reopening asks for its own page), or for a repeat.
   */
  async open(
    incident: string,
    position: number,
    reason: (PageCommand & { kind: 'open' })['reason'],
    cause: Cause,
  ): Promise<PageOutcome> {
    const page = pageOf(incident, (await this.pagesOf(incident)).length + 1);
    const command: PageCommand = { kind: 'open', page, reason };
    return this.record(page, cause, async (loaded, facts) => {
      if (!facts.open || endingOf(facts, position)) return { decisions: [] };
      return { decisions: await this.#decide(loaded, facts, command, cause) };
    });
  }

  /** The cancellation that is due because the page's incident has ended since; null when it has not. */
  cancelled({ id, state, events }: LoadedPage, incident: IncidentFacts): PageChange | null {
    const first = events[0];
    if (!first || state?.status === 'cancelled') return null;
    const ending = endingOf(incident, first.position);
    if (!ending) return null;
    const data = { page: id, incident: incident.id, reason: ending.reason, cause: ending.eventId };
    return {
      decisions: [{ type: 'page.cancelled', data }],
      commandId: `cancel:${id}:${ending.eventId}`,
    };
  }

  /** Appends what `decide` says, and decides again as long as the page or its incident changes meanwhile. */
  async record(id: string, cause: Cause, decide: Decide): Promise<PageOutcome> {
    const look = async () => {
      const [page, incident] = await Promise.all([this.load(id), this.incident(incidentOf(id))]);
      return { page, incident, change: await decide(page, incident) };
    };
    let decided = await look();
    for (let tries = 1; ; tries += 1) {
      const { page, incident, change } = decided;
      if (change.decisions.length === 0) return { ...page, position: 0, decisions: [] };
      try {
        return await this.#append(page, incident, cause, change);
      } catch (error) {
        const conflict = error instanceof VersionConflict || error instanceof RequirementFailed;
        if (!conflict || tries >= mostTries) throw error;
        // Alerts attach one after the other as an outage begins: what says nothing new to a page must not hold it up.
        const latest = error instanceof RequirementFailed ? await this.incident(incident.id) : null;
        decided = latest && saysTheSame(latest, incident) ? { ...decided, incident: latest } : await look();
      }
    }
  }

  /** Notes what a page waits for, if that has not been done for this version yet. */
  async reindex(id: string, version: number): Promise<void> {
    if ((await this.#options.due.indexedVersion(id)) >= version) return;
    const page = await this.load(id);
    if (page.state === null) return;
    await this.#options.due.index(page.state, page.version);
    this.#options.onDue();
  }

  /** Position of the last event of a request that was carried out before; null when it was not. */
  async #recorded({ commandId, commandHash }: Cause): Promise<number | null> {
    const earlier = commandId === undefined ? null : await this.#options.log.recordedCommand(commandId);
    if (!earlier) return null;
    if (earlier.hash === commandHash) return earlier.lastPosition;
    throw CommandRefused.conflict('this key was used before with another request', 'idempotency-conflict');
  }

  async #append(
    page: LoadedPage,
    incident: IncidentFacts,
    cause: Cause,
    { decisions, commandId = cause.commandId }: PageChange,
  ): Promise<PageOutcome> {
    const { log, clock, due, onStep, onDue } = this.#options;
    const occurredAt = clock.now();
    const [first] = page.events;
    const asked = first ? continuing(cause.meta, first.meta) : cause.meta;
    const meta = { ...asked, filters: filtersOf(incident) };
    const required = decisions.some((decision) => notifying.has(decision.type));
    const result = await log.append({
      journal: CONTROL_JOURNAL,
      stream: LogStreams.page(page.id),
      expectedVersion: page.version === 0 ? 'no-stream' : page.version,
      events: decisions.map(({ type, data }) => ({ type, data, meta, occurredAt })),
      ...(commandId ? { commandId } : {}),
      ...(cause.commandHash && commandId === cause.commandId ? { commandHash: cause.commandHash } : {}),
      ...(required
        ? { require: [{ stream: LogStreams.incident(incident.id), version: incident.version }] }
        : {}),
    });
    if (result.duplicate)
      return { ...(await this.load(page.id)), position: result.lastPosition, decisions: [] };
    await onStep('page-appended', page.id);
    const at = occurredAt.getTime();
    const state = decisions.reduce((before, decision) => evolvePage(before, { ...decision, at }), page.state);
    if (state) await due.index(state, result.version);
    await onStep('page-indexed', page.id);
    onDue();
    return {
      id: page.id,
      state,
      version: result.version,
      events: page.events,
      position: result.lastPosition,
      decisions,
    };
  }

  /**
   * Whether a round-robin step runs does not depend on whose turn it is: where one does, its turn is drawn, and what it
   * means is decided with that.
   */
  async #decide(
    page: LoadedPage,
    incident: IncidentFacts,
    command: PageCommand,
    { commandId }: Cause,
  ): Promise<readonly PageDecision[]> {
    const context = await this.#context(page, incident, command);
    const decisions = decidePage(page.state, command, context);
    const requests = decisions.filter((decision) => decision.type === 'page.requested');
    const place = requests.findIndex(({ data }) => data.turn !== undefined);
    const { policy, step } = requests[place]?.data ?? { policy: null, step: 0 };
    if (policy === null) return decisions;
    // What was carried out before is not appended again: a turn drawn for it would be nobody's.
    if (commandId !== undefined && (await this.#options.log.recordedCommand(commandId))) return decisions;
    const run = (page.state?.runs.length ?? 0) + place + 1;
    const turn = await this.#options.turns.draw({ policy, step, page: page.id, run });
    return decidePage(page.state, command, { ...context, directory: { ...context.directory, turn } });
  }

  async #context(page: LoadedPage, incident: IncidentFacts, command: PageCommand): Promise<PageContext> {
    const { roster, clock } = this.#options;
    const now = clock.now();
    const chosen = page.state?.policy ? await roster.policy(page.state.policy) : null;
    const policy = chosen ?? (await roster.policyOf(incident));
    const acknowledger = page.state?.acknowledgedBy;
    const people = [
      ...(command.kind === 'reassign' ? command.users : []),
      ...(acknowledger ? [acknowledger] : []),
    ];
    const directory = await roster.directory(policy, now, people);
    return { at: now.getTime(), subject: subjectOf(incident), directory };
  }
}
