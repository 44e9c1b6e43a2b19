import type { EventData, LoggedEvent } from '@bellwether/contracts';

/** Error budget of an SLO over an incident: fractions of the budget, signed, not clamped; null where not known. */
export interface ReportBudget {
  readonly slo: string;
  /** Budget left when the incident started and when it ended (or now), as measured. */
  readonly remainingAtStart: number | null;
  readonly remainingAtEnd: number | null;
  /** Budget left at the first alert, and at the last alert or crossing, as those recorded it. */
  readonly remainingAtFirst: number | null;
  readonly remainingAtLast: number | null;
  /**
   * What the incident spent, from its start to its end; null where what was left at one of them is not known. Of an SLO that
   * nobody can be asked about any more it is between the first and the last alert, as those recorded it.
   */
  readonly spent: number | null;
}

/** Budget left at two moments, by the measurements of the window before each; null when nothing was measured in it. */
export interface MeasuredBudget {
  readonly remainingAtStart: number | null;
  readonly remainingAtEnd: number | null;
}

/**
 * A budget with what was measured of it. Where nothing had been measured yet when the incident started, nobody knows what
 * was left then; but all that was spent by its end was spent in it. What two alerts recorded says nothing then: in a window
 * that young the budget is another one with each measurement.
 */
export function withMeasured(budget: ReportBudget, measured: MeasuredBudget | undefined): ReportBudget {
  if (measured === undefined) return budget;
  const { remainingAtStart: start, remainingAtEnd: end } = measured;
  return { ...budget, ...measured, spent: end === null ? null : (start ?? 1) - end };
}

/** Budget left as an event recorded it. */
interface Recorded {
  slo: string;
  ofGroup: boolean;
  at: string;
  remaining: number | null;
}

/** Budgets as the alerts and crossings of an incident recorded them. @param told ids of the events on its timeline */
export function recordedBudgets(told: ReadonlySet<string>, known: readonly LoggedEvent[]): ReportBudget[] {
  const readings = known
    .filter((event) => told.has(event.id))
    .flatMap((event): Recorded[] => {
      if (event.type === 'slo.alert.fired' || event.type === 'slo.alert.resolved') {
        const { slo, group, eventTime, budgetRemaining } = event.data as EventData<'slo.alert.fired'>;
        return [{ slo, ofGroup: group !== undefined, at: eventTime, remaining: budgetRemaining }];
      }
      if (event.type === 'slo.budget.crossed') {
        const { slo, group, eventTime, remaining } = event.data as EventData<'slo.budget.crossed'>;
        return [{ slo, ofGroup: group !== undefined, at: eventTime, remaining }];
      }
      return [];
    })
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return [...Map.groupBy(readings, ({ slo }) => slo)].map(([slo, all]) => {
    // A group has a budget of its own: what is left of it says nothing of the whole.
    const ofSlo = all.filter(({ ofGroup }) => !ofGroup);
    const first = ofSlo[0]?.remaining ?? null;
    const last = ofSlo.at(-1)?.remaining ?? null;
    return {
      slo,
      remainingAtStart: null,
      remainingAtEnd: null,
      remainingAtFirst: first,
      remainingAtLast: last,
      // One reading says nothing about what was spent.
      spent: ofSlo.length < 2 || first === null || last === null ? null : first - last,
    };
  });
}
