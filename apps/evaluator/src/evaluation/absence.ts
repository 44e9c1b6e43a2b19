import {
  CONTROL_JOURNAL,
  formatDuration,
  type RuleAlertFired,
  type RuleAlertResolved,
  type SloDefinition,
} from '@bellwether/contracts';
import { StaleVersion } from '@bellwether/event-log';
import { type Corrections, type Hearing, type Heartbeat, silentSince } from '@bellwether/slo';
import { type AbsenceMark, absenceRule, absenceStream, type Registry } from '../registry/registry.js';
import type { Evidence } from '../store/series-row.js';
import type { DecisionLog } from './decision-log.js';
import { ACTOR, SOURCE } from './transitions.js';

/**
 * How long after the start nothing is called silent, milliseconds: while all of Bellwether was stopped, publishers kept what
 * they measured, and are about to send it.
 */
const GRACE_MS = 60_000;

/** When the log took the latest measurement of an SLI (`<service>/<sli>`), epoch milliseconds; null when there is none. */
export type LastMeasurement = (sli: string) => Promise<number | null>;

interface AbsenceOptions {
  /** After how many cadences without a measurement an SLI is silent. */
  cadences: number;
  /** When this process began to listen, epoch milliseconds. */
  startedAt: number;
}

/** An SLI as it is listened to. */
export interface Listened {
  /** Of the series with the newest measurement of the SLI, else of any; null when no SLO and no rule reads it any more. */
  heartbeat: Heartbeat | null;
  /** The newest measurement; null when none was counted. */
  evidence: Evidence | null;
  /** Since when an SLO or a rule reads it, epoch milliseconds. */
  readSince: number;
  /** The SLOs that read it. */
  slos: readonly SloDefinition[];
  /** Those of each SLO that reads it: silence that all of them exclude is none. */
  corrections: readonly Corrections[];
}

/** The alert that an SLI fell silent, or was never heard: `rule.alert.fired` of kind `absent`, once per silence. */
export class AbsenceAlert {
  readonly #log: DecisionLog;
  readonly #measurements: LastMeasurement;
  readonly #registry: Registry;
  readonly #cadences: number;
  #startedAt: number;

  constructor(
    log: DecisionLog,
    measurements: LastMeasurement,
    registry: Registry,
    { cadences, startedAt }: AbsenceOptions,
  ) {
    this.#log = log;
    this.#measurements = measurements;
    this.#registry = registry;
    this.#cadences = cadences;
    this.#startedAt = startedAt;
  }

  /** Fires or resolves the alert of an SLI (`<service>/<sli>`). */
  async settle(sli: string, listened: Listened, now: Date): Promise<void> {
    // A clock that was set back must not put the end of the grace off.
    this.#startedAt = Math.min(this.#startedAt, now.getTime());
    const { heartbeat, evidence } = listened;
    const since = heartbeat && (await this.#silentSince(sli, { ...listened, heartbeat }, now.getTime()));
    const mark = this.#registry.absences.get(absenceRule(sli));
    if ((mark?.firing ?? false) === (since !== null)) return;
    if (since !== null && now.getTime() < this.#startedAt + GRACE_MS) return;
    const event =
      since === null
        ? { type: 'rule.alert.resolved', data: resolved(mark as AbsenceMark, now) }
        : {
            type: 'rule.alert.fired',
            data: this.#fired(
              sli,
              (mark?.fired.n ?? 0) + 1,
              { ...listened, heartbeat: heartbeat as Heartbeat, since },
              now,
            ),
          };
    try {
      await this.#log.append({
        journal: CONTROL_JOURNAL,
        stream: absenceStream(sli),
        expectedVersion: mark?.streamVersion ?? 0,
        commandId: `${event.type}:${absenceRule(sli)}:${event.data.n}`,
        event: {
          ...event,
          occurredAt: now,
          meta: {
            correlationId:
              (since === null ? mark?.correlationId : evidence?.correlationId) ?? absenceStream(sli),
            causationId: evidence?.eventId ?? null,
            actor: ACTOR,
            source: SOURCE,
          },
        },
      });
    } catch (error) {
      // Another instance was first; the next look decides again.
      if (!(error instanceof StaleVersion)) throw error;
    }
    await this.#registry.catchUp();
  }

  /** Since when it is silent, epoch milliseconds; null when it speaks, or nobody can say how often it should. */
  async #silentSince(
    sli: string,
    { heartbeat, evidence, readSince, corrections }: Listened & { heartbeat: Heartbeat },
    now: number,
  ): Promise<number | null> {
    const { series, regularity } = heartbeat;
    const silent = (heard: Hearing): number | null =>
      corrections.reduce<number | null>(
        (found, mask) => found ?? silentSince(series, regularity, now, this.#cadences, heard, mask),
        null,
      );
    if (series.newest !== null)
      return silent({ heardAt: evidence === null ? undefined : Date.parse(evidence.recordedAt) });

    // Nothing was counted: it is awaited, by what the log says of its definition and of those who read it.
    const defined = this.#registry.slis.get(sli);
    if (defined === undefined || regularity.cadence === null) return null;
    const awaitedAt = Math.max(defined.expectedSince, readSince);
    const mark = this.#registry.absences.get(absenceRule(sli));
    const firedAt = mark?.firing ? Date.parse(mark.fired.eventTime) : null;
    if (firedAt === null && silent({ awaitedAt }) === null) return null;
    // What its indicators have no reading for is a measurement, too.
    const heardAt = await this.#measurements(sli);
    // Another definition does not end the alert: the first measurement does.
    if (firedAt !== null && (heardAt === null || heardAt < firedAt)) return awaitedAt;
    return silent({ awaitedAt, heardAt: heardAt ?? undefined });
  }

  #fired(
    sli: string,
    n: number,
    { heartbeat, since, slos }: Pick<Listened, 'slos'> & { heartbeat: Heartbeat; since: number },
    now: Date,
  ): RuleAlertFired {
    const cadence = formatDuration(heartbeat.regularity.cadence as number);
    const isNew = heartbeat.series.newest === null;
    return {
      rule: absenceRule(sli),
      kind: 'absent',
      service: sli.slice(0, sli.indexOf('/')),
      severity: 'ticket',
      summary: `${sli} has ${isNew ? 'never' : 'not'} been measured for more than ${this.#cadences} times its cadence of ${cadence}`,
      labels: {},
      ...askedBy(slos),
      startedAt: new Date(since).toISOString(),
      eventTime: now.toISOString(),
      n,
      cadence,
    };
  }
}

/**
 * What incident the alert asks for: it is a ticket, which declares the most severe of those that the tickets of the SLOs
 * declare, and pages whom that one does.
 */
function askedBy(
  slos: readonly SloDefinition[],
): Pick<RuleAlertFired, 'declare' | 'escalationPolicy' | 'runbookUrl'> {
  const [first] = slos.filter(({ declare }) => declare.ticket !== null).sort(bySeverity);
  if (first === undefined) return { declare: null };
  const { declare, escalationPolicy, runbookUrl } = first;
  return {
    declare: declare.ticket,
    ...(escalationPolicy && { escalationPolicy }),
    ...(runbookUrl && { runbookUrl }),
  };
}

const bySeverity = (a: SloDefinition, b: SloDefinition): number =>
  `${a.declare.ticket} ${a.name}` < `${b.declare.ticket} ${b.name}` ? -1 : 1;

function resolved({ fired }: AbsenceMark, now: Date): RuleAlertResolved {
  const { rule, kind, service, severity, n } = fired;
  return { rule, kind, service, severity, eventTime: now.toISOString(), n };
}
