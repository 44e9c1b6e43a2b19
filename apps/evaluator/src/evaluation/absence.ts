import { CONTROL_JOURNAL, type RuleAlertFired, type RuleAlertResolved } from '@bellwether/contracts';
import { StaleVersion } from '@bellwether/event-log';
import { type Corrections, type Heartbeat, silentSince } from '@bellwether/slo';
import { type AbsenceMark, absenceRule, absenceStream, type Registry } from '../registry/registry.js';
import type { Evidence } from '../store/series-row.js';
import type { DecisionLog } from './decision-log.js';
import { ACTOR, SOURCE } from './transitions.js';

/**
 * How long after the start nothing is called silent, milliseconds: while all of Bellwether was stopped, publishers kept what
 * they measured, and are about to send it.
 */
const GRACE_MS = 60_000;

interface AbsenceOptions {
  /** After how many cadences without a measurement an SLI is silent. */
  cadences: number;
  /** When this process began to listen, epoch milliseconds. */
  startedAt: number;
}

/** The alert that an SLI fell silent: `rule.alert.fired` of kind `absent`, once per silence. */
export class AbsenceAlert {
  readonly #log: DecisionLog;
  readonly #registry: Registry;
  readonly #cadences: number;
  readonly #startedAt: number;

  constructor(log: DecisionLog, registry: Registry, { cadences, startedAt }: AbsenceOptions) {
    this.#log = log;
    this.#registry = registry;
    this.#cadences = cadences;
    this.#startedAt = startedAt;
  }

  /**
   * Fires or resolves the alert of an SLI (`<service>/<sli>`).
   * @param heartbeat of the series with the newest measurement of the SLI; null when no SLO looks at it any more
   * @param corrections of each SLO that looks at it: silence that all of them exclude is none
   */
  async settle(
    sli: string,
    heartbeat: Heartbeat | null,
    evidence: Evidence | null,
    now: Date,
    corrections: readonly Corrections[],
  ): Promise<void> {
    const heardAt = evidence === null ? undefined : Date.parse(evidence.recordedAt);
    const since =
      heartbeat &&
      corrections.reduce<number | null>(
        (found, mask) =>
          found ??
          silentSince(heartbeat.series, heartbeat.regularity, now.getTime(), this.#cadences, heardAt, mask),
        null,
      );
    const mark = this.#registry.absences.get(absenceRule(sli));
    if ((mark?.firing ?? false) === (since !== null)) return;
    if (since !== null && now.getTime() < this.#startedAt + GRACE_MS) return;
    const event =
      since === null
        ? { type: 'rule.alert.resolved', data: resolved(mark as AbsenceMark, now) }
        : { type: 'rule.alert.fired', data: this.#fired(sli, (mark?.fired.n ?? 0) + 1, since, now) };
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

  #fired(sli: string, n: number, since: number, now: Date): RuleAlertFired {
    return {
      rule: absenceRule(sli),
      kind: 'absent',
      service: sli.slice(0, sli.indexOf('/')),
      severity: 'ticket',
      summary: `${sli} has not been measured for more than ${this.#cadences} times its cadence`,
      labels: {},
      declare: null,
      startedAt: new Date(since).toISOString(),
      eventTime: now.toISOString(),
      n,
    };
  }
}

function resolved({ fired }: AbsenceMark, now: Date): RuleAlertResolved {
  const { rule, kind, service, severity, n } = fired;
  return { rule, kind, service, severity, eventTime: now.toISOString(), n };
}
