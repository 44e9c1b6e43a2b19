import { CommandRefused, durationMillis, formatDuration } from '@bellwether/contracts';

/** Points of a history at most. */
const MOST = 5_000;
const DAY = 86_400_000;
/** Steps that a history is cut into when none is named, milliseconds: the first with at most 300 points. */
const STEPS = [1, 5, 15, 30, 60, 180, 360, 720, 1440].map((minutes) => minutes * 60_000);

/** The span and step of a history: the last day, in at most 300 points, where nothing else is asked for. */
export function historySpan(
  query: {
    from?: string | undefined;
    to?: string | undefined;
    step?: string | undefined;
  },
  now: Date,
): { from: string; to: string; step: string } {
  const to = Date.parse(query.to ?? now.toISOString());
  const from = query.from === undefined ? to - DAY : Date.parse(query.from);
  if (from >= to) {
    throw CommandRefused.malformed('the span is empty', [
      { path: 'query.from', message: 'must be before to' },
    ]);
  }
  const step =
    query.step ??
    formatDuration(
      STEPS.find((size) => (to - from) / size <= 300) ?? Math.ceil((to - from) / 300 / DAY) * DAY,
    );
  if ((to - from) / durationMillis(step) > MOST) {
    throw CommandRefused.malformed(`more than ${MOST} points`, [
      { path: 'query.step', message: `must be longer: a history has at most ${MOST} points` },
    ]);
  }
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), step };
}
