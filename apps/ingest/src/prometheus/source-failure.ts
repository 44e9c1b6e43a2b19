/** A source did not answer as it must. The message is for people, and never holds what it was asked with in headers. */
export class SourceFailure extends Error {
  override readonly name = 'SourceFailure';

  /** @param timedOut whether it was waited for as long as is waited for an answer */
  constructor(
    message: string,
    readonly timedOut = false,
  ) {
    super(message);
  }
}
