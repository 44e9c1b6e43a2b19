/** Exit codes, as people expect them of a command-line tool. */
export const ExitCode = {
  ok: 0,
  /** The server refused, something was not found, a verification failed. */
  failed: 1,
  /** The call itself is wrong: unknown option, invalid file. */
  usage: 2,
  /** The server cannot be reached. */
  unreachable: 3,
} as const;

/** An error with an exit code and a message that says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly exitCode: number = ExitCode.failed,
    readonly details: string[] = [],
    /** What the server answered, of an error that is its answer. */
    readonly status?: number,
  ) {
    super(message);
  }
}
