import type { PageNotification } from '@bellwether/contracts';
import type { PageState } from './page-state.js';

/** What a receiver is sent about a page. @param urls where to acknowledge it and where it is explained */
export function pageNotification(
  type: PageNotification['type'],
  state: PageState,
  call: { step: number; attempt: number },
  urls: { acknowledgeUrl: string; explainUrl: string },
): PageNotification {
  const { id, incident, title, severity, service, runbookUrl } = state;
  const runbook = runbookUrl === null ? {} : { runbookUrl };
  const { step, attempt } = call;
  return { type, page: { id, incident, title, severity, service, step, attempt, ...runbook, ...urls } };
}
