import { isDatabaseAway } from '@bellwether/bus';
import { HttpProblem } from '@bellwether/service';

/** The error as a caller is told of it: 503 while the database is away, else as it is. */
export function asUnavailable(error: unknown): unknown {
  return isDatabaseAway(error)
    ? HttpProblem.unavailable('the database cannot be reached at the moment', 1, { cause: error })
    : error;
}
