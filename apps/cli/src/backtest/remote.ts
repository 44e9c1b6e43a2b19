import type { Backtest, BacktestProgress, Problem } from '@bellwether/contracts';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { Session } from '../commands/command.js';
import { CliError, ExitCode } from '../errors.js';
import { refusalOf } from '../http.js';

/** Has the server work a backtest out. @throws CliError as it refuses, or when the connection is lost */
export async function runRemotely(
  { http, context }: Session,
  body: object,
  onProgress: (progress: BacktestProgress) => void,
): Promise<Backtest> {
  const response = await http.raw('POST', '/v1/backtests', { body, accept: 'text/event-stream' });
  if (!response.ok) throw await refusalOf(response, context);
  // A proxy may not let streams through, and a server may answer at once.
  if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream'))
    return (await response.json()) as Backtest;
  try {
    const events = response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const { event, data } of events ?? []) {
      const told: unknown = JSON.parse(data);
      if (event === 'progress') onProgress(told as BacktestProgress);
      else if (event === 'result') return told as Backtest;
      else if (event === 'problem') throw refusal(told as Problem);
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`the connection was lost: ${(error as Error).message}`, ExitCode.unreachable);
  }
  throw new CliError('the connection was lost before there was an answer', ExitCode.unreachable);
}

const refusal = ({ title, status, detail, errors = [] }: Problem): CliError =>
  new CliError(
    `${title} (${status}): ${detail}`,
    ExitCode.failed,
    errors.map(({ path, message }) => `${path}: ${message}`),
  );
