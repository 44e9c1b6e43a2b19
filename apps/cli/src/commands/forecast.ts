import type { SloForecast } from '@bellwether/contracts';
import type { Command } from 'commander';
import { sparkline } from '../chart.js';
import { fields, percent, relative } from '../output.js';
import { type OpenSession, present, time } from './command.js';

interface ForecastOptions {
  horizon?: string;
  group?: string;
  asOf?: string;
}

/** `forecast`: when an error budget will be gone. */
export function forecastCommand(program: Command, open: OpenSession): void {
  program
    .command('forecast')
    .argument('<slo>')
    .description('when the error budget will be gone: at the recent pace, and as former weeks went')
    .option('--horizon <duration>', 'how far to look ahead, such as 14d (90d at most); the window without it')
    .option('--group <value>', 'of one group of an SLO that has groups')
    .option('--as-of <time>', 'what would have been answered then (RFC 3339)', time)
    .action(async (slo: string, options: ForecastOptions, command: Command) => {
      const session = open(command);
      const query = new URLSearchParams(Object.entries(options).filter(([, value]) => value !== undefined));
      const path = `/v1/slos/${encodeURIComponent(slo)}/forecast`;
      const { body } = await session.http.get<SloForecast>(query.size === 0 ? path : `${path}?${query}`);
      const then = options.asOf === undefined ? null : new Date(body.asOf);
      present(session, body, (forecast) =>
        forPeople(forecast, { now: session.now(), then }, session.output.interactive),
      );
    });
}

/** @param time.then of a forecast as of a moment: that moment, which its times are counted from */
function forPeople(
  forecast: SloForecast,
  time: { now: Date; then: Date | null },
  interactive: boolean,
): string {
  const now = time.then ?? time.now;
  const { slo, group, asOf, remaining, best, pace, seasonal, to } = forecast;
  const moment = (at: string | null): string =>
    at === null ? 'the end of the forecast or later' : `${at} (${relative(at, now)})`;
  const isGone = (at: string | null): boolean => at !== null && Date.parse(at) <= Date.parse(asOf);
  // Of what is gone already the reason is why nobody can say how it goes on.
  const gone = (at: string | null, reason: string | null): string => {
    if (isGone(at)) return reason === null ? 'gone already' : `gone already; ${reason}`;
    return at === null && reason !== null ? reason : `gone ${moment(at)}`;
  };
  const { early, likely, late } = seasonal.exhaustsAt;
  const trends = Object.entries(seasonal.trend).flatMap(([of, trend]) =>
    trend === null ? [] : [`${of === 'bad' ? 'errors' : of} ${trend}`],
  );
  return fields([
    ['SLO', group ? `${slo} (${group.label} ${group.value})` : slo],
    [time.then ? 'Left then' : 'Left now', percent(remaining, 1)],
    ['Looks to', `${to} (${relative(to, now)})`],
    [
      'At this pace',
      `${gone(pace.exhaustsAt, pace.reason)}; burn ${pace.burn?.toFixed(2) ?? '–'} over ${pace.window}`,
    ],
    ['As usual', gone(likely, seasonal.reason)],
    ...(seasonal.pattern === null
      ? []
      : ([
          ...(isGone(likely)
            ? []
            : [['', `in eight of ten courses between ${moment(early)} and ${moment(late)}`]]),
          [
            '',
            `from ${seasonal.cycles} ${seasonal.pattern === 'weekly' ? 'weeks' : 'days'}${
              trends.length === 0 ? '' : `, ${trends.join(', ')}`
            }`,
          ],
        ] as [string, string][])),
    ...recovery(best.recoversAt, seasonal.recoversAt, now),
    ...(interactive ? charts(forecast) : []),
  ]);
}

/** Of a budget that is gone: when some is there again. */
function recovery(best: string | null, likely: string | null, now: Date): [string, string][] {
  if (best === null && likely === null) return [];
  const lines: [string, string][] = [];
  if (best !== null) lines.push(['Back', `${best} (${relative(best, now)}) at the earliest`]);
  if (likely !== null) lines.push(['Back as usual', `${likely} (${relative(likely, now)})`]);
  return lines;
}

/** Columns of a chart at most. */
const COLUMNS = 60;

function charts({ points, seasonal }: SloForecast): [string, string][] {
  const every = Math.max(1, Math.ceil(points.length / COLUMNS));
  const shown = points.filter((_, i) => i % every === 0 || i === points.length - 1);
  const draw = (of: 'pace' | 'likely' | 'low'): string =>
    sparkline(
      shown.map((point) => point[of]),
      { floor: 0, ceiling: 1, alarming: (value) => value <= 0 },
    );
  return [
    ['Pace', draw('pace')],
    ...(seasonal.pattern === null
      ? []
      : ([
          ['Usual', draw('likely')],
          ['One in ten', draw('low')],
        ] as [string, string][])),
  ];
}
