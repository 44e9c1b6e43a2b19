import {
  type Gate,
  type GateOverride,
  type GateReason,
  gateBodies,
  MOST_GATE_OVERRIDE_DAYS,
} from '@bellwether/contracts';
import type { Command } from 'commander';
import pc from 'picocolors';
import { CliError, ExitCode } from '../errors.js';
import { exhaustion, percent, table } from '../output.js';
import { checkedBody, length, type OpenSession, present, type Session, time } from './command.js';

interface GateOptions {
  asOf?: string;
  change?: string;
  override?: string;
  for?: number;
  withdraw?: string;
}

/** `gate`. */
export function gateCommand(program: Command, open: OpenSession): void {
  program
    .command('gate')
    .argument('<service>')
    .description('may this service be changed now?')
    .option('--change <what>', 'what is to be deployed; the answer is kept on record (role responder)')
    .option('--override <reason>', 'let changes through, with --for (role responder)')
    .option(
      '--for <duration>',
      `how long the override holds, such as 2h (${MOST_GATE_OVERRIDE_DAYS}d at most)`,
      length,
    )
    .option('--withdraw <id>', 'withdraw an override')
    .option('--as-of <time>', 'what would have been answered then (RFC 3339)', time)
    .addHelpText(
      'after',
      '\nA pipeline needs no more than a token of role viewer, to ask; --change, which leaves a record, needs responder:\n' +
        '  bellwether token create --name deploy --role viewer\n' +
        '  BELLWETHER_URL=https://… BELLWETHER_TOKEN=… bellwether gate checkout && ./deploy\n' +
        '\nExit codes: 0 allowed, 1 refused, 2 wrong call, 3 it could not be asked: not reachable, not permitted, not known.',
    )
    .action(async (service: string, options: GateOptions, command: Command) => {
      check(options);
      const session = open(command);
      const gate = await asking(async () => {
        if (options.override !== undefined) await override(session, service, options);
        if (options.withdraw !== undefined) {
          await session.http.delete(`${pathOf(service)}/overrides/${encodeURIComponent(options.withdraw)}`);
        }
        return decide(session, service, options);
      });
      present(session, gate, (value) => forPeople(value, session.now()));
      if (!gate.allow) throw new CliError(`${service} may not be changed now`, ExitCode.failed);
    });
}

function check({ override, for: duration, asOf, change, withdraw }: GateOptions): void {
  if ((override === undefined) !== (duration === undefined))
    throw new CliError('--override <reason> and --for <duration> go together', ExitCode.usage);
  if (asOf !== undefined && [override, change, withdraw].some((option) => option !== undefined))
    throw new CliError('--as-of looks at the past, which nothing changes any more', ExitCode.usage);
  if (duration !== undefined && duration > MOST_GATE_OVERRIDE_DAYS * DAY)
    throw new CliError(`--for must be at most ${MOST_GATE_OVERRIDE_DAYS}d`, ExitCode.usage);
}

const DAY = 86_400_000;

const pathOf = (service: string): string => `/v1/services/${encodeURIComponent(service)}/gate`;

async function decide(session: Session, service: string, { change, asOf }: GateOptions): Promise<Gate> {
  if (change !== undefined)
    return (
      await session.http.post<Gate>(
        `${pathOf(service)}/decisions`,
        checkedBody(gateBodies.decide, 'the change', { change }),
      )
    ).body;
  const query = asOf === undefined ? '' : `?asOf=${encodeURIComponent(asOf)}`;
  return (await session.http.get<Gate>(`${pathOf(service)}${query}`)).body;
}

async function override(session: Session, service: string, options: GateOptions): Promise<void> {
  const until = new Date(session.now().getTime() + (options.for ?? 0)).toISOString();
  const body = checkedBody(gateBodies.override, 'the override', { reason: options.override, until });
  const { body: made } = await session.http.post<GateOverride>(`${pathOf(service)}/overrides`, body);
  session.output.err(`override ${made.id} until ${made.until}; end it with --withdraw ${made.id}`);
}

/** Answers of a server that was asked what it cannot be asked. */
const WRONG_CALL: readonly (number | undefined)[] = [400, 422];

/**
 * A pipeline must be able to tell "refused" from "nobody answered": whatever keeps the gate from answering is the latter,
 * but for a call that is wrong.
 */
async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    if (WRONG_CALL.includes(error.status))
      throw new CliError(`the gate cannot be asked that: ${error.message}`, ExitCode.usage, error.details);
    if (error.exitCode === ExitCode.failed)
      throw new CliError(`the gate did not decide: ${error.message}`, ExitCode.unreachable, error.details);
    throw error;
  }
}

function forPeople(gate: Gate, now: Date): string {
  const answer = gate.allow ? pc.green('allowed') : pc.red('refused');
  const lines = [`${gate.service}: ${answer}${gate.overridden ? ' by an override' : ''}`];
  for (const { effect, text } of gate.reasons) lines.push(`  ${SIGN[effect]} ${text}`);
  if (gate.budgets.length === 0) return lines.join('\n');
  return [
    ...lines,
    '',
    table(
      [
        { head: 'SLO', cell: (b) => b.slo },
        { head: 'STATE', cell: (b) => b.state },
        { head: 'BUDGET LEFT', cell: (b) => percent(b.remaining, 1) },
        { head: 'EXHAUSTED', cell: (b) => exhausted(b.exhaustsAt, now) },
        {
          head: 'STEP',
          cell: (b) => (b.step ? `${b.step.action} below ${percent(b.step.remainingBelow)}` : null),
        },
        { head: 'POLICY', cell: (b) => b.policy },
      ],
      gate.budgets,
    ),
  ].join('\n');
}

/** As "status" says it: when a budget ran out is not known, only that it has. */
const exhausted = (at: string | null, now: Date): string =>
  at !== null && Date.parse(at) <= now.getTime() ? 'already' : exhaustion(at, now);

const SIGN: Record<GateReason['effect'], string> = {
  refuse: pc.red('refused '),
  override: pc.green('override'),
  review: pc.yellow('review  '),
  note: 'note    ',
};
