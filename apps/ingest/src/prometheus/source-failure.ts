/** A source did not answer as it must. The message is for people, and never holds what it was asked with in headers. */
export class SourceFailure extends Error {
  override readonly name = 'SourceFailure';
}
