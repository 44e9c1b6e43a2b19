/**
 * The error budget reckoned the plain way, from the rows as published: what the status must say. Independent of the
 * product's code on purpose.
 */
export interface Observation {
  /** Epoch milliseconds. */
  at: number;
  good: number;
  total: number;
}

const MINUTE = 60_000;

/** Sums over a window of `minutes`: the last whole minutes and the current, partial one. */
export function sums(
  observations: Observation[],
  now: number,
  minutes: number,
): { good: number; total: number } {
  const from = Math.floor(now / MINUTE) * MINUTE - minutes * MINUTE;
  let good = 0;
  let total = 0;
  for (const o of observations) {
    if (o.at < from || o.at > now) continue;
    good += o.good;
    total += o.total;
  }
  return { good, total };
}

/** Share of bad events over the error budget; null without events. */
export function burn(
  observations: Observation[],
  now: number,
  minutes: number,
  objective: number,
): number | null {
  const { good, total } = sums(observations, now, minutes);
  return total === 0 ? null : (total - good) / total / (1 - objective);
}

/**
 * What an incident's report must say of a budget: what was left of it at the end of the minute before the incident
 * started, and of the one in which it ended.
 */
export function budgetOver(
  observations: Observation[],
  { startedAt, resolvedAt }: { startedAt: string; resolvedAt: string | null },
  minutes: number,
  objective: number,
): { remainingAtStart: number; remainingAtEnd: number; spent: number } {
  const left = (minute: number) => 1 - (burn(observations, minute * MINUTE - 1, minutes, objective) ?? 0);
  const remainingAtStart = left(Math.floor(Date.parse(startedAt) / MINUTE));
  const remainingAtEnd = left(Math.ceil(Date.parse(resolvedAt as string) / MINUTE));
  return { remainingAtStart, remainingAtEnd, spent: remainingAtStart - remainingAtEnd };
}
