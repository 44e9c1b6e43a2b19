/** Where a process may die in the course of a page; tests end it there. */
export type PagingStep =
  /** The decision is in the log; what is due is not noted yet. */
  | 'page-appended'
  | 'page-indexed'
  /** A timer or delivery was taken up. */
  | 'due-claimed'
  /** `page.attempted` is in the log; the call is not made. */
  | 'attempt-recorded'
  /** The receiver answered; the outcome is not in the log. */
  | 'called'
  | 'outcome-recorded';

export type OnPagingStep = (step: PagingStep, page: string) => void | Promise<void>;
