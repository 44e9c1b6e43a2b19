import type { Incident, Page } from '@bellwether/contracts';
import { escapeHtml, htmlPage } from './html.js';

/** Where an incident goes on whose page has ended: reopened, or in the one that it was merged into. */
export interface GoesOn {
  incident: string;
  /** The page to answer; undefined: nobody is paged yet. */
  page: string | undefined;
}

/** What a link shows besides its page and the incident. */
export interface Besides {
  goesOn?: GoesOn | undefined;
  /** Why the person is paged, in sentences: the alerts, and the measurements that they come from. */
  why?: readonly Reason[];
}

/** An event that led to a page. */
export interface Reason {
  at: string;
  summary: string;
}

/** What a signed link shows: the incident, why there is one and, while the page is open, the button. */
export function acknowledgePage(
  page: Page,
  incident: Incident | undefined,
  link: string,
  { goesOn, why = [] }: Besides = {},
): string {
  const answered = page.acknowledgedBy
    ? `<p>Acknowledged by <strong>${escapeHtml(person(page.acknowledgedBy))}</strong> at ${time(page.acknowledgedAt)}.</p>`
    : '';
  const open = page.status === 'open' || page.status === 'exhausted';
  const form = open
    ? `<form method="post" action="/a/${encodeURIComponent(link)}"><button type="submit">Acknowledge</button></form>`
    : page.status === 'cancelled'
      ? `<p>${escapeHtml(ended(page, goesOn))}</p>`
      : '';
  return htmlPage(
    `${page.incident}: ${page.title}`,
    `<h1>${escapeHtml(incident?.title ?? page.title)}</h1>
<dl>
<dt>Incident</dt><dd>${escapeHtml(page.incident)}</dd>
<dt>Severity</dt><dd class="severity">${escapeHtml(incident?.severity ?? page.severity)}</dd>
<dt>Status</dt><dd>${escapeHtml(incident?.status ?? 'unknown')}</dd>
<dt>Services</dt><dd>${escapeHtml((incident?.services ?? []).join(', ') || (page.service ?? '–'))}</dd>
<dt>Began</dt><dd>${time(incident?.startedAt ?? page.requestedAt)}</dd>
<dt>Commander</dt><dd>${escapeHtml(incident?.commander ?? 'nobody')}</dd>
<dt>Page</dt><dd>${escapeHtml(page.id)}, ${escapeHtml(page.status)}</dd>
${runbooks(incident)}</dl>
${answered}
${form}
${reasons(why)}`,
  );
}

function reasons(why: readonly Reason[]): string {
  if (why.length === 0) return '';
  const items = why.map(({ at, summary }) => `<li>${time(at)} ${escapeHtml(summary)}</li>`);
  return `<h2>Why</h2>\n<ol>\n${items.join('\n')}\n</ol>`;
}

function ended(page: Page, goesOn: GoesOn | undefined): string {
  if (goesOn === undefined) return 'The incident has ended; there is nothing left to acknowledge.';
  const what =
    goesOn.incident === page.incident
      ? 'This page ended when the incident was resolved, and the incident is open again'
      : `${page.incident} was merged into ${goesOn.incident}, which goes on`;
  return goesOn.page === undefined ? `${what}.` : `${what}: ${goesOn.page} is the page to answer.`;
}

/** What a link shows that is not, or no longer, good. */
export function deadLinkPage(kind: 'expired' | 'forged'): string {
  return kind === 'expired'
    ? htmlPage(
        'This link has expired',
        '<h1>This link has expired</h1><p>Acknowledge the page with the command line or the API instead.</p>',
      )
    : htmlPage(
        'This link is not valid',
        '<h1>This link is not valid</h1><p>It may have been cut short; open it from the message again.</p>',
      );
}

/** Runbooks of its alerts, each once; an address that is no web page is only text. */
function runbooks(incident: Incident | undefined): string {
  const urls = new Set((incident?.alerts ?? []).flatMap(({ runbookUrl }) => runbookUrl ?? []));
  return [...urls]
    .map((url) => {
      const text = escapeHtml(url);
      const shown = /^https?:/i.test(url) ? `<a href="${text}" rel="noreferrer">${text}</a>` : text;
      return `<dt>Runbook</dt><dd>${shown}</dd>\n`;
    })
    .join('');
}

const person = (actor: string) => actor.replace(/^user:/, '');

function time(value: string | null): string {
  if (value === null) return '–';
  return `<time datetime="${escapeHtml(value)}">${escapeHtml(value.replace('T', ' ').replace(/\.\d+Z$/, ' UTC'))}</time>`;
}
