import { type Clock, CommandRefused, type SloHistory, sloHistory } from '@bellwether/contracts';
import type { IncidentReport, MeasuredBudget } from '@bellwether/incident';
import { HttpProblem } from '@bellwether/service';
import type { Caller, CommandGateway } from '../commands/gateway.js';

const MINUTE = 60_000;
/** A report is not kept waiting for long by an evaluator that is away: it has what the alerts recorded. */
const TIMING = { timeoutMs: 3_000, graceMs: 500 };

/** Asks the evaluator how much error budget was left when an incident started, and when it ended. */
export class IncidentBudgets {
  constructor(
    private readonly gateway: Pick<CommandGateway, 'query'>,
    private readonly clock: Clock,
  ) {}

  /**
   * By SLO, by the measurements that are known today: late ones are counted where they belong. An SLO that was retired
   * since, or that the evaluator cannot answer for, is left out.
   * @param asOf end of an incident that was not over then; now when absent
   */
  async measured(
    { incident, budgets }: Pick<IncidentReport, 'incident' | 'budgets'>,
    caller: Caller,
    asOf?: string,
  ): Promise<Map<string, MeasuredBudget>> {
    const start = Math.floor(Date.parse(incident.startedAt) / MINUTE) * MINUTE;
    const now = this.clock.now().getTime();
    const end = Math.min(now, Date.parse(incident.resolvedAt ?? asOf ?? new Date(now).toISOString()));
    const found = await Promise.all(
      budgets.map(async ({ slo }) => {
        const [atStart, atEnd] = await Promise.all([
          this.pointAt(slo, start, caller),
          this.pointAt(slo, end, caller),
        ]);
        if (!atStart || !atEnd) return [];
        return [
          [slo, { remainingAtStart: atStart.budgetRemaining, remainingAtEnd: atEnd.budgetRemaining }],
        ] as const;
      }),
    );
    return new Map(found.flat());
  }

  /** The point of the burn-down at the end of the minute that a moment lies in, or closes. */
  private async pointAt(
    slo: string,
    at: number,
    caller: Caller,
  ): Promise<SloHistory['points'][number] | undefined> {
    const iso = (millis: number) => new Date(millis).toISOString();
    const end = Math.ceil(at / MINUTE) * MINUTE;
    const span = { slo, from: iso(end - MINUTE), to: iso(end), step: '1m' };
    try {
      return sloHistory
        .parse(await this.gateway.query('evaluator.slo-history', span, caller, TIMING))
        .points.at(-1);
    } catch (error) {
      if (error instanceof CommandRefused || error instanceof HttpProblem) return undefined;
      throw error;
    }
  }
}
