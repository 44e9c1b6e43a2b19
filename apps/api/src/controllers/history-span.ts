import {
  CommandRefused,
  durationMillis,
  formatDuration,
  HISTORY_POINTS,
  MeasurementLimits,
} from '@bellwether/contracts';

const DAY = 86_400_000;
/** Steps that a history is cut into when none is named, milliseconds: the first with at most 300 points. */
const STEPS = [1, 5, 15, 30, 60, 180, 360, 720, 1440].map((minutes) => minutes * 60_000);

/** The span of a history, and what it is cut into: the last day, in at most 300 points, where nothing else is asked for. */
export function historySpan(
  query: {
    from?: string | undefined;
    to?: string | undefined;
    step?: string | undefined;
    points?: number | undefined;
  },
  now: Date,
): { from: string; to: string } & ({ step: string } | { points: number }) {
  const to = Date.parse(query.to ?? now.toISOString());
  const from = query.from === undefined ? to - DAY : Date.parse(query.from);
  if (from >= to) {
    throw CommandRefused.malformed('the span is empty', [
      { path: 'query.from', message: 'must be before to' },
    ]);
  }
  const span = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  if (query.points !== undefined) {
    if (query.step !== undefined) {
      throw CommandRefused.malformed('step and points exclude each other', [
        { path: 'query.points', message: 'must be left out where there is a step' },
      ]);
    }
    if (to - from > MeasurementLimits.ageMillis) {
      throw CommandRefused.malformed('the span is too long', [
        { path: 'query.from', message: 'must be within 400d of to: measurements are kept so long' },
      ]);
    }
    return { ...span, points: query.points };
  }
  const step =
    query.step ??
    formatDuration(
      STEPS.find((size) => (to - from) / size <= 300) ?? Math.ceil((to - from) / 300 / DAY) * DAY,
    );
  if ((to - from) / durationMillis(step) > HISTORY_POINTS) {
    throw CommandRefused.malformed(`more than ${HISTORY_POINTS} points`, [
      { path: 'query.step', message: `must be longer: a history has at most ${HISTORY_POINTS} points` },
    ]);
  }
  return { ...span, step };
}
