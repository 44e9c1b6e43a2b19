import { isDeepStrictEqual } from 'node:util';
import {
  type ChangeFreeze,
  CONTROL_JOURNAL,
  keyOfStream,
  LogStreams,
  type RuleAlertFired,
  type Service,
  type Sli,
  type SliSourceChanged,
} from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import type { Logger } from '@bellwether/service';
import { Serial } from '../serial.js';
import type { RegistryStore } from './registry-store.js';
import { evolveRuleEntry, type RuleEntry } from './rule-entry.js';
import { evolveSlo, type Firing, loadSlo, type SloEntry, storeSlo } from './slo-entry.js';

/** A resource as it is defined now; `version` counts its definitions. */
export interface Defined<T> {
  data: T;
  version: number;
  streamVersion: number;
}

/** An SLI as it is defined now. */
export interface DefinedSli extends Defined<Sli> {
  /** Since when it has the source and the cadence that it has, epoch milliseconds, by the times of its definitions. */
  expectedSince: number;
}

/** The absent-data alert of an SLI. */
export interface AbsenceMark extends Firing {
  fired: RuleAlertFired;
  firing: boolean;
  streamVersion: number;
}

/** Told which SLIs (`<service>/<sli>`) were defined, or have an SLO or a rule that was defined, corrected or retired. */
export type DefinitionListener = (slis: ReadonlySet<string>) => void;

const PAGE = 1_000;

/**
 * Everything the evaluator knows from the control journal: definitions, and what the log says of alerts. Every instance
 * folds the journal for itself, from the position that was stored last; decisions that must be exact first
 * {@link catchUp} and append with the stream version they saw.
 */
export class Registry {
  readonly services = new Map<string, Defined<Service>>();
  /** By `<service>/<sli>`. */
  readonly slis = new Map<string, DefinedSli>();
  /** How the source of each SLI that is fetched answers, by `<service>/<sli>`. */
  readonly sources = new Map<string, SliSourceChanged>();
  readonly slos = new Map<string, SloEntry>();
  /** Threshold rules. */
  readonly rules = new Map<string, RuleEntry>();
  /** By rule name. */
  readonly absences = new Map<string, AbsenceMark>();
  readonly policies = new Map<string, number>();
  /** One that was taken away has no data, but goes on counting versions. */
  readonly freezes = new Map<string, Defined<ChangeFreeze | undefined>>();
  readonly #log: EventLog;
  readonly #store: RegistryStore | undefined;
  readonly #logger: Logger;
  readonly #serial = new Serial();
  readonly #listeners = new Set<DefinitionListener>();
  readonly #unsaved = new Set<string>();
  #position = 0;

  /** @param options.store where the state is kept for the next start; without it everything is read from the log */
  constructor(options: { log: EventLog; store?: RegistryStore; logger: Logger }) {
    this.#log = options.log;
    this.#store = options.store;
    this.#logger = options.logger;
  }

  /** Position of the control journal up to which everything is known. */
  get position(): number {
    return this.#position;
  }

  /** Reads what was stored, then the journal to its end. */
  async start(): Promise<void> {
    if (this.#store) {
      const { position, states } = await this.#store.load();
      for (const { stream, state } of states) {
        if (isWhole(stream, state)) this.#restore(stream, state);
        else await this.#foldAnew(stream, (state as { streamVersion: number }).streamVersion);
      }
      this.#position = position;
    }
    await this.catchUp();
  }

  /** Follows the journal until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const pages = this.#log.follow(CONTROL_JOURNAL, { after: this.#position, signal });
        for await (const page of pages) await this.#serial.run(() => this.#take(page));
      } catch (error) {
        if (signal.aborted) return;
        this.#logger.warn({ error }, 'the control journal cannot be followed; trying until it can');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  /** Resolves when everything that is in the journal now is known. */
  async catchUp(): Promise<void> {
    await this.#serial.run(async () => {
      for (;;) {
        const page = await this.#log.readJournal(CONTROL_JOURNAL, { after: this.#position, limit: PAGE });
        await this.#take(page);
        if (page.length < PAGE) return;
      }
    });
  }

  /** @returns a function that ends it */
  onDefinitions(listener: DefinitionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #take(page: readonly RecordedEvent[]): Promise<void> {
    const from = this.#position;
    const defined = new Set<string>();
    for (const event of page) {
      if (event.position <= this.#position) continue;
      for (const sli of this.#slisOf(event)) defined.add(sli); // before: the one it looked at
      if (this.#fold(event)) this.#unsaved.add(event.stream);
      for (const sli of this.#slisOf(event)) defined.add(sli); // after: the one it looks at now
      this.#position = event.position;
    }
    if (this.#position === from) return;
    await this.#save();
    if (defined.size > 0) for (const listener of this.#listeners) listener(defined);
  }

  /** The SLI that a definition is about, as far as it is known. */
  #slisOf({ type, stream }: RecordedEvent): string[] {
    if (type === 'sli.defined') return [keyOfStream(stream)];
    const known = /^slo[.](defined|retired|corrected)$/.test(type)
      ? this.slos
      : /^rule[.](defined|retired)$/.test(type)
        ? this.rules
        : undefined;
    const definition = known?.get(keyOfStream(stream))?.definition;
    return definition ? [`${definition.service}/${definition.sli}`] : [];
  }

  async #save(): Promise<void> {
    if (this.#store === undefined) return;
    const states = [...this.#unsaved].map((stream) => ({ stream, state: this.#state(stream) }));
    try {
      await this.#store.save(this.#position, states);
      this.#unsaved.clear();
    } catch (error) {
      // It is a short cut for the next start, nothing more.
      this.#logger.warn({ error }, 'the registry could not be stored');
    }
  }

  /** Folds an event; whether it concerned anything that is kept. */
  #fold(event: RecordedEvent): boolean {
    const key = keyOfStream(event.stream);
    switch (event.type) {
      case 'service.defined':
        define(this.services, key, event);
        return true;
      case 'sli.defined':
        this.#defineSli(key, event);
        return true;
      case 'sli.source-changed':
        this.sources.set(key, event.data as SliSourceChanged);
        return true;
      case 'freeze.defined':
        define(this.freezes, key, event);
        return true;
      case 'freeze.retired':
        define(this.freezes, key, { ...event, data: undefined });
        return true;
      case 'policy.defined':
        this.policies.set(key, (this.policies.get(key) ?? 0) + 1);
        return true;
    }
    if (event.stream.startsWith(absenceStream(''))) return this.#foldAbsence(key, event);
    if (event.stream.startsWith(LogStreams.rule(''))) {
      const rule = evolveRuleEntry(this.rules.get(key), event);
      if (rule === undefined) return false;
      this.rules.set(key, rule);
      return true;
    }
    if (!event.stream.startsWith('slo:')) return false;
    const entry = evolveSlo(this.slos.get(key), event);
    if (entry === undefined) return false;
    this.slos.set(key, entry);
    return true;
  }

  /** Makes a state anew, up to the version that was stored of it, and keeps it. */
  async #foldAnew(stream: string, version: number): Promise<void> {
    for (const event of await this.#log.readStream(stream)) if (event.version <= version) this.#fold(event);
    this.#unsaved.add(stream);
  }

  #defineSli(key: string, event: RecordedEvent): void {
    const before = this.slis.get(key);
    const { source, cadence } = event.data as Sli;
    const expects = (sli: Sli) => isDeepStrictEqual([sli.source, sli.cadence], [source, cadence]);
    const expectedSince =
      before !== undefined && expects(before.data) ? before.expectedSince : event.occurredAt.getTime();
    this.slis.set(key, { ...defined<Sli>(before, event), expectedSince });
  }

  #foldAbsence(rule: string, { type, id, data, meta, version: streamVersion }: RecordedEvent): boolean {
    const mark = this.absences.get(rule);
    if (type === 'rule.alert.fired') {
      const fired = data as RuleAlertFired;
      const { correlationId } = meta;
      this.absences.set(rule, { fired, firing: true, eventId: id, correlationId, streamVersion });
      return true;
    }
    if (mark === undefined) return false;
    this.absences.set(rule, { ...mark, firing: false, streamVersion });
    return true;
  }

  #state(stream: string): unknown {
    const key = keyOfStream(stream);
    switch (stream.slice(0, stream.indexOf(':'))) {
      case 'service':
        return this.services.get(key);
      case 'sli':
        return this.slis.get(key);
      case 'source':
        return this.sources.get(key);
      case 'freeze':
        return this.freezes.get(key);
      case 'policy':
        return { version: this.policies.get(key) };
      case 'rule':
        return this.absences.get(key) ?? this.rules.get(key);
      default:
        return storeSlo(this.slos.get(key) as SloEntry);
    }
  }

  #restore(stream: string, state: unknown): void {
    const key = keyOfStream(stream);
    switch (stream.slice(0, stream.indexOf(':'))) {
      case 'service':
        this.services.set(key, state as Defined<Service>);
        break;
      case 'sli':
        this.slis.set(key, state as DefinedSli);
        break;
      case 'source':
        this.sources.set(key, state as SliSourceChanged);
        break;
      case 'freeze':
        this.freezes.set(key, state as Defined<ChangeFreeze | undefined>);
        break;
      case 'policy':
        this.policies.set(key, (state as { version: number }).version);
        break;
      case 'rule':
        if (stream.startsWith(absenceStream(''))) this.absences.set(key, state as AbsenceMark);
        else this.rules.set(key, state as RuleEntry);
        break;
      default:
        this.slos.set(key, loadSlo(state));
    }
  }
}

/** Whether a stored state has all that is kept: versions before this one did not note since when measurements are awaited. */
function isWhole(stream: string, state: unknown): boolean {
  if (stream.startsWith(absenceStream(''))) return true;
  if (stream.startsWith('sli:')) return (state as Partial<DefinedSli>).expectedSince !== undefined;
  if (!/^(slo|rule):/.test(stream)) return true;
  return (state as Partial<SloEntry | RuleEntry>).readsSince !== undefined;
}

function define<T>(map: Map<string, Defined<T>>, key: string, event: RecordedEvent): void {
  map.set(key, defined<T>(map.get(key), event));
}

function defined<T>(before: Defined<unknown> | undefined, event: RecordedEvent): Defined<T> {
  return { data: event.data as T, version: (before?.version ?? 0) + 1, streamVersion: event.version };
}

/** The rule name of an SLI's absent-data alert; also the key of its stream. */
export const absenceRule = (sli: string): string => `absent/${sli}`;
/** The stream of an SLI's absent-data alert. */
export const absenceStream = (sli: string): string => LogStreams.rule(absenceRule(sli));
