import type { CorrectionBody, SloCorrection, SloStatus } from '@bellwether/contracts';
import { correctionSpans } from '@bellwether/slo';
import { type Command, Option } from 'commander';
import { CliError, ExitCode } from '../errors.js';
import { type Column, relative, span, table } from '../output.js';
import { all, length, type OpenSession, present, time, warn } from './command.js';

/** How far ahead the next time of a correction is looked for. */
const AHEAD_MS = 2 * 366 * 86_400_000;

interface CorrectOptions {
  effect: CorrectionBody['effect'];
  reason: string;
  from?: string;
  to?: string;
  for?: number;
  rrule?: string;
  start?: string;
  duration?: string;
  zone?: string;
}

/** `correct`, `corrections` and `uncorrect`. */
export function correctionCommands(program: Command, open: OpenSession): void {
  program
    .command('correct')
    .argument('<slo>')
    .description('exclude a span from what an SLO counts, or count it as good (role responder)')
    .addOption(
      new Option('--effect <effect>', 'take it out of the SLO, or count what was bad in it as good')
        .choices(['exclude', 'good'])
        .default('exclude'),
    )
    .requiredOption('-m, --reason <text>')
    .option('--from <time>', 'RFC 3339; with --for, now without it', time)
    .option('--to <time>', 'RFC 3339', time)
    .option('--for <duration>', 'in place of --to, such as 2h', length)
    .option('--rrule <rule>', 'again and again, such as FREQ=WEEKLY;BYDAY=SA; --from and --to bound it')
    .option('--start <local time>', 'when the first one begins, such as 2026-01-03T22:00')
    .option('--duration <duration>', 'how long each lasts, such as 4h')
    .option('--zone <zone>', 'whose clock --start is read on, such as Europe/Berlin (default: UTC)')
    .addHelpText(
      'after',
      '\nExamples:\n  bellwether correct checkout-availability --for 2h -m "the database is moved"\n  bellwether correct checkout-availability --from 2026-11-22T08:00:00Z --to 2026-11-22T08:40:00Z \\\n    --effect good -m "the probe was broken"\n  bellwether correct checkout-availability --rrule "FREQ=WEEKLY;BYDAY=SA" --start 2026-01-03T22:00 \\\n    --duration 4h --zone Europe/Berlin -m "the weekly maintenance"',
    )
    .action(async (slo: string, options: CorrectOptions, command: Command) => {
      const session = open(command);
      const body = bodyOf(options, session.now());
      const { body: made } = await session.http.post<SloCorrection & { warnings?: string[] }>(
        pathOf(slo),
        body,
      );
      warn(session, made);
      present(
        session,
        made,
        ({ id, effect }) =>
          `${slo}: ${WHAT[effect]}: ${when(made)}; take it back with: bellwether uncorrect ${slo} ${id} -m "<why>"`,
      );
    });

  program
    .command('corrections')
    .argument('<slo>')
    .description('corrections of an SLO, withdrawn ones too, the newest first')
    .option('--as-of <time>', 'what was known then (RFC 3339)', time)
    .action(async (slo: string, { asOf }: { asOf?: string }, command: Command) => {
      const session = open(command);
      const query = asOf === undefined ? '' : `?asOf=${encodeURIComponent(asOf)}`;
      const rows = await all<SloCorrection>(session, `${pathOf(slo)}${query}`);
      present(session, rows, (list) =>
        list.length === 0 ? 'no corrections' : table(columns(session.now()), list),
      );
    });

  program
    .command('uncorrect')
    .argument('<slo>')
    .argument('<id>')
    .option('-m, --reason <text>')
    .description('withdraw a correction: the SLO counts as if it had never been made (role responder)')
    .action(async (slo: string, id: string, { reason }: { reason?: string }, command: Command) => {
      const session = open(command);
      const query = reason === undefined ? '' : `?reason=${encodeURIComponent(reason)}`;
      const path = `${pathOf(slo)}/${encodeURIComponent(id)}${query}`;
      const { body } = await session.http.delete<SloCorrection & { warnings?: string[] }>(path);
      warn(session, body);
      present(session, body, () => `${slo}: correction ${id} holds no longer`);
    });
}

/** What a status says of corrections; null when none holds. */
export function correctionLine({ corrections, correctedMinutes }: SloStatus): string | null {
  if (corrections === 0) return null;
  const { exclude, good } = correctedMinutes ?? { exclude: 0, good: 0 };
  const parts = [
    ...(exclude > 0 ? [`${span(exclude * 60)} excluded`] : []),
    ...(good > 0 ? [`${span(good * 60)} counted as good`] : []),
  ];
  return [`${corrections} in the window`, ...parts].join(', ');
}

const WHAT = { exclude: 'excluded', good: 'counted as good' } as const;

const pathOf = (slo: string): string => `/v1/slos/${encodeURIComponent(slo)}/corrections`;

function bodyOf(options: CorrectOptions, now: Date): CorrectionBody {
  const { effect, reason, rrule, start, duration, zone } = options;
  const common = { effect, reason, ...spanOf(options, now) };
  if (rrule === undefined) {
    for (const [name, value] of Object.entries({ start, duration, zone }))
      if (value !== undefined) throw usage(`--${name} goes with --rrule`);
    if (common.from === undefined || common.to === undefined)
      throw usage('say when: --from and --to, or --for from now on, or --rrule for what comes again');
    return common;
  }
  if (start === undefined || duration === undefined)
    throw usage('--rrule needs --start, when the first one begins, and --duration');
  if (options.for !== undefined) throw usage('--rrule has --duration in place of --for');
  return { ...common, recurrence: { rrule, start, duration, timeZone: zone ?? 'UTC' } };
}

function spanOf({ from, to, for: millis }: CorrectOptions, now: Date): { from?: string; to?: string } {
  if (millis === undefined) return { ...(from && { from }), ...(to && { to }) };
  if (to !== undefined) throw usage('--to and --for exclude each other');
  const start = from === undefined ? now.getTime() : Date.parse(from);
  return { from: new Date(start).toISOString(), to: new Date(start + millis).toISOString() };
}

const usage = (message: string): CliError => new CliError(message, ExitCode.usage);

const columns = (now: Date): Column<SloCorrection>[] => [
  { head: 'ID', cell: (c) => c.id },
  { head: 'EFFECT', cell: (c) => c.effect },
  { head: 'STATE', cell: (c) => stateOf(c, now) },
  { head: 'WHEN', cell: (c) => when(c) },
  { head: 'BY', cell: (c) => c.by },
  { head: 'REASON', cell: (c) => c.reason },
];

function stateOf(correction: SloCorrection, now: Date): string {
  const { withdrawnBy, withdrawnAt, withdrawnReason } = correction;
  if (withdrawnAt !== null) {
    const why = withdrawnReason === null ? '' : `: ${withdrawnReason}`;
    return `withdrawn ${relative(withdrawnAt, now)} by ${withdrawnBy}${why}`;
  }
  const at = now.getTime();
  const [next] = correctionSpans(correction, at, at + AHEAD_MS, 1);
  if (next === undefined) return 'in effect, past';
  const [from, to] = [next.from, next.to].map((time) => new Date(time).toISOString()) as [string, string];
  return next.from <= at
    ? `in effect, now, until ${to} (${relative(to, now)})`
    : `in effect, next ${relative(from, now)}`;
}

function when({ from, to, recurrence }: SloCorrection): string {
  if (recurrence === undefined) return `${from} to ${to}`;
  const bounds = [from && `from ${from}`, to && `until ${to}`].filter(Boolean).join(' ');
  const { rrule, start, duration, timeZone } = recurrence;
  return `${duration} from ${start} (${timeZone}), ${rrule}${bounds === '' ? '' : `, ${bounds}`}`;
}
