import { CommandRefused, type SloMeasuredPeriods } from '@bellwether/contracts';
import {
  burnDownBefore,
  MINUTE,
  measurePeriods,
  type Period,
  type PeriodsPlan,
  planPeriods,
  type SloPlan,
  Tally,
} from '@bellwether/slo';
import type { Counted } from './counted.js';
import { burnDownOf } from './history.js';

/** What is to be read for a period and the one before. @throws CommandRefused 422 for one that has not begun */
export function plannedPeriods(
  plan: SloPlan,
  asked: { period: Period; before: Period; timeZone: string },
  now: number,
): PeriodsPlan {
  const { period, before, timeZone } = asked;
  const faults = [
    ...(period.from > now ? [{ path: 'period.from', message: 'must not be in the future' }] : []),
    ...(period.from < period.to ? [] : [{ path: 'period.to', message: 'must be after from' }]),
    ...(before.from < before.to && before.to === period.from
      ? []
      : [{ path: 'before.to', message: 'must be where the period begins' }]),
  ];
  if (faults.length > 0) throw CommandRefused.refused('the period cannot be measured', faults);
  return planPeriods(plan, { period, before }, timeZone, now);
}

/** How an SLO was over them. */
export async function measuredPeriods(
  plan: SloPlan,
  planned: PeriodsPlan,
  { stored, due, cadence, building }: Counted,
): Promise<Omit<SloMeasuredPeriods, 'slo'>> {
  const { before, period, ends } = planned;
  const sum = async (stretch: Parameters<NonNullable<typeof stored>['sum']>[0]) =>
    (await stored?.sum(stretch)) ?? new Tally();
  const read = {
    run: await burnDownOf(plan, { from: before.from, to: period.to, ends }, stored, due),
    earlier: await sum(burnDownBefore(plan, before.from)),
    heads: { before: await sum(before.head), period: await sum(period.head) },
    cadence,
    first: stored?.measured?.low ?? null,
    due,
  };
  const since = read.first === null ? null : new Date(read.first * MINUTE).toISOString();
  return { ...measurePeriods(plan, planned, read), since, building };
}
