import type { Incident, IncidentAlert, Page } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import { acknowledgePage } from './acknowledge-page.js';

const at = '2026-11-22T10:00:00.000Z';
const page = { id: 'INC-1-P1', incident: 'INC-1', title: 't', severity: 'sev2', status: 'open' } as Page;
const withRunbooks = (...urls: (string | undefined)[]) => {
  const alerts = urls.map((runbookUrl) => ({ name: 'checkout', runbookUrl }) as IncidentAlert);
  return acknowledgePage(
    page,
    { title: 't', startedAt: at, services: [], alerts } as unknown as Incident,
    'x',
  );
};

describe('the page behind an acknowledge link', () => {
  test('links the runbooks of the alerts, each once', () => {
    const url = 'https://runbooks.example.org/checkout?a=1&b=2';
    const html = withRunbooks(url, undefined, url, 'https://runbooks.example.org/payment');
    expect(html.match(/<dt>Runbook<\/dt>/g)).toHaveLength(2);
    expect(html).toContain('<a href="https://runbooks.example.org/checkout?a=1&amp;b=2"');
    expect(html).toContain('<a href="https://runbooks.example.org/payment"');
  });

  test('makes no link of what is no web address', () => {
    const html = withRunbooks('javascript:alert(1)//"><script>');
    expect(html).toContain('<dd>javascript:alert(1)//&quot;&gt;&lt;script&gt;</dd>');
    expect(html).not.toContain('<a ');
  });

  test('of an incident that goes on says which page to answer', () => {
    const ended = { ...page, status: 'cancelled', requestedAt: at } as Page;
    const text = (incident: string, newer?: string) =>
      acknowledgePage(ended, undefined, 'x', { goesOn: { incident, page: newer } });
    expect(text('INC-1', 'INC-1-P2')).toContain(
      'the incident is open again: INC-1-P2 is the page to answer.',
    );
    expect(text('INC-7', 'INC-7-P1')).toContain(
      'INC-1 was merged into INC-7, which goes on: INC-7-P1 is the page to answer.',
    );
    expect(text('INC-7')).toContain('INC-1 was merged into INC-7, which goes on.</p>');
    expect(acknowledgePage(ended, undefined, 'x')).toContain('The incident has ended');
    expect(text('INC-1', 'INC-1-P2')).not.toContain('<button');
  });

  test('says why: the alerts and what was measured', () => {
    const why = [{ at, summary: 'page alert fast of checkout: burn <14>' }];
    const html = acknowledgePage({ ...page, requestedAt: at }, undefined, 'x', { why });
    expect(html).toMatch(
      /<h2>Why<\/h2>\n<ol>\n<li><time .*<\/time> page alert fast .* burn &lt;14&gt;<\/li>/,
    );
    expect(withRunbooks(undefined)).not.toContain('Why');
  });

  test('has no line for a runbook that nobody has written', () => {
    expect(withRunbooks(undefined)).not.toContain('Runbook');
  });
});
