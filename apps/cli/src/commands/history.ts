import type { SloHistory } from '@bellwether/contracts';
import type { Command } from 'commander';
import { sparkline } from '../chart.js';
import { CliError, ExitCode } from '../errors.js';
import { fields, percent, table } from '../output.js';
import { length, type OpenSession, present, time, whole } from './command.js';

interface HistoryOptions {
  from?: string;
  to?: string;
  last?: number;
  points: number;
  group?: string;
  asOf?: string;
}

type Point = SloHistory['points'][number];

/** `history`: the burn-down of an error budget. */
export function historyCommand(program: Command, open: OpenSession): void {
  program
    .command('history')
    .argument('<slo>')
    .description('the error budget over time: its burn-down')
    .option('--from <time>', 'from when (RFC 3339); the last 30 days without it', time)
    .option('--to <time>', 'until when (RFC 3339); now, or --as-of, without it', time)
    .option('--last <duration>', 'in place of --from, such as 6h or 7d', length)
    .option('--points <number>', 'how many points at most', whole, 30)
    .option('--group <value>', 'of one group of an SLO that has groups')
    .option('--as-of <time>', 'what was known then (RFC 3339)', time)
    .addHelpText(
      'after',
      '\nEach row is a step that ends at AT: GOOD, TOTAL, SLI and BURN are of the step, BUDGET LEFT is at its end.\nLOWEST is the least budget within the step, PEAK the burn rate of its worst minute (or slice).',
    )
    .action(async (slo: string, options: HistoryOptions, command: Command) => {
      if (options.from !== undefined && options.last !== undefined)
        throw new CliError('--from and --last exclude each other', ExitCode.usage);
      const session = open(command);
      const to = options.to ?? options.asOf ?? session.now().toISOString();
      const from = options.from ?? before(to, options.last ?? MONTH);
      const { group, asOf } = options;
      const query = new URLSearchParams({
        from,
        to,
        points: String(options.points),
        ...(group !== undefined && { group }),
        ...(asOf !== undefined && { asOf }),
      });
      const path = `/v1/slos/${encodeURIComponent(slo)}/history?${query}`;
      const { body } = await session.http.get<SloHistory>(path);
      present(session, body, ({ points }) =>
        session.output.interactive ? `${chart(points)}\n\n${rows(points)}` : rows(points),
      );
    });
}

const MINUTE = 60_000;
const MONTH = 30 * 86_400_000;

/**
 * So long before `to`, up to a whole minute: the minute that `to` lies in is shown as well, and with one more at the
 * other end days would be cut into steps of a day and a minute.
 */
function before(to: string, millis: number): string {
  return new Date(Math.ceil((Date.parse(to) - millis) / MINUTE) * MINUTE).toISOString();
}

function chart(points: readonly Point[]): string {
  const lows = points.map((point) => point.budgetRemainingMin ?? point.budgetRemaining);
  const peaks = points.map((point) => point.burnMax ?? point.burn);
  const worst = (values: (number | null)[], of: (...all: number[]) => number): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : of(...known);
  };
  const budget = sparkline(lows, { floor: 0, ceiling: 1, alarming: (value) => value < 0 });
  const burn = sparkline(peaks, { floor: 0, ceiling: 1, alarming: (value) => value > 1 });
  return fields([
    ['Budget', `${budget}  lowest ${percent(worst(lows, Math.min), 1)}`],
    ['Burn', `${burn}  peak ${rate(worst(peaks, Math.max))}`],
  ]);
}

const rows = (points: readonly Point[]): string =>
  table(
    [
      { head: 'AT', cell: (p) => p.at },
      { head: 'GOOD', cell: (p) => round(p.good) },
      { head: 'TOTAL', cell: (p) => round(p.total) },
      { head: 'SLI', cell: (p) => percent(p.sli) },
      { head: 'BUDGET LEFT', cell: (p) => percent(p.budgetRemaining, 1) },
      { head: 'LOWEST', cell: (p) => percent(p.budgetRemainingMin, 1) },
      { head: 'BURN', cell: (p) => rate(p.burn) },
      { head: 'PEAK', cell: (p) => rate(p.burnMax) },
      ...(points.some((p) => p.corrected)
        ? [{ head: 'CORRECTED', cell: (p: Point) => (p.corrected ? 'yes' : '') }]
        : []),
    ],
    [...points],
  );

const round = (count: number): number => Number(count.toFixed(3));
const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? '–' : value.toFixed(2);
