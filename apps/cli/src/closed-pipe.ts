/** What a shell reports of a program that SIGPIPE (13) ended, and what scripts with `pipefail` look for. */
const ENDED_BY_SIGPIPE = 128 + 13;

/**
 * Ends the process quietly once nobody reads what it prints, as `… | head` has it. Node ignores SIGPIPE, which ends
 * other programs at this point, and reports EPIPE: unheard, that is a stack trace.
 * @param exit ends the process with an exit code
 */
export function endWithReader(
  streams: readonly NodeJS.WritableStream[],
  exit: (code: number) => void = process.exit,
): void {
  for (const stream of streams)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Anything else, such as a full disk, is no end that a reader asked for.
      if (error.code !== 'EPIPE') throw error;
      exit(ENDED_BY_SIGPIPE);
    });
}
