import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { csvCell, reportCsv, reportMarkdown, reportOf } from '../index.js';
import { incident, knowledge, on } from './report.fixture.js';

/** Reads CSV as RFC 4180 has it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? (plain as string) : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe('CSV', () => {
  const [head = [], ...rows] = parseCsv(reportCsv(reportOf(knowledge())));
  const cell = (slo: string, column: string) =>
    rows.find((row) => row[head.indexOf('slo')] === slo)?.[head.indexOf(column)];

  test('has a line for each SLO and a cell for each column', () => {
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row).toHaveLength(head.length);
    expect(cell('checkout-latency', 'team')).toBe('pay');
    expect(cell('checkout-latency', 'verdict')).toBe('missed');
    expect(cell('checkout-latency', 'sli')).toBe('0.99');
    expect(cell('checkout-latency', 'worst_day')).toBe('2026-11-17');
    expect(cell('checkout-latency', 'alerts')).toBe(`page fast ${on(1)}; ticket slow (region eu) ${on(1)}`);
    expect(cell('checkout-latency', 'incidents')).toBe('INC-3');
    expect(cell('checkout-latency', 'mean_time_to_resolve_minutes')).toBe('60');
    expect(cell('checkout-latency', 'before_pages')).toBe('1');
  });

  test('leaves what is not known empty, and never says 0 for it', () => {
    expect(cell('search-availability', 'sli')).toBe('');
    expect(cell('mail-delivery', 'total')).toBe('');
    expect(cell('mail-delivery', 'note')).toBe('the definition cannot be evaluated');
  });

  test('computes nothing in a spreadsheet: text that looks like a formula is shown to be text', () => {
    for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '\r=1', '＝1'])
      expect(csvCell(text).replace(/^"/, '')).toMatch(/^'/);
    expect(csvCell('a=b')).toBe('a=b');
    expect(csvCell(-0.5)).toBe('-0.5');
    expect(csvCell(null)).toBe('');
    const [first] = knowledge().slos;
    const slos = [{ ...(first as NonNullable<typeof first>), measured: '=cmd|calc, "now"\nor later' }];
    const [columns = [], row = []] = parseCsv(reportCsv(reportOf(knowledge({ slos }))));
    expect(row[columns.indexOf('note')]).toBe('\'=cmd|calc, "now"\nor later');
  });

  test('is read back as it was, whatever the text, but for the apostrophe', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, other) => {
        const [[cell, next] = []] = parseCsv(`${csvCell(text)},${csvCell(other)}\r\n`);
        expect([text, `'${text}`]).toContain(cell);
        expect([other, `'${other}`]).toContain(next);
        expect(cell).not.toMatch(/^\s*[=+\-@]/);
      }),
    );
  });
});

describe('Markdown', () => {
  const text = reportMarkdown(reportOf(knowledge()));

  test('has the counts, a table for each group, alerts with their times, and incidents', () => {
    for (const line of [
      '# SLO report: week 2026-W47',
      '- SLOs: 1 of 4 met, 1 missed, 1 without data, 1 not measured (before: 3 of 4 met)',
      '- Alerts: 1 page, 1 ticket (before: 1 and 0)',
      '- Incidents: 3 declared, 2 of them resolved, in 45 min on average (before: 1)',
      '- Most budget spent: checkout-latency, 200 %',
      '## Team pay',
      '| checkout-latency | 99.9 % over 30d | 99 % | 99.9 % | **missed** | 200 % | 200 % | 70 % | 2026-11-17 (200 %) | 1 | 1 |',
      `- checkout-latency: page fast from ${on(1)} to ${on(1, 1)}`,
      `- checkout-latency (region eu): ticket slow from ${on(1)} to now`,
      `| INC-3 | sev2 | resolved | ${on(1)} | 60 min | checkout fails |`,
      '## No team',
      '- mail-delivery: the definition cannot be evaluated',
    ])
      expect(text.split('\n')).toContain(line);
  });

  test('says when the period is not over', () => {
    expect(text).not.toContain('not over yet');
    expect(reportMarkdown(reportOf(knowledge({ asOf: Date.parse(on(3)) })))).toContain('not over yet');
  });

  test('takes what people wrote as text', () => {
    const incidents = [incident('INC-1', { title: '<b>|\n# x [y](z)' })];
    const lines = reportMarkdown(reportOf(knowledge({ incidents }))).split('\n');
    expect(lines).toContain(
      `| INC-1 | sev2 | resolved | ${on(1)} | 60 min | \\<b\\>\\| / \\# x \\[y\\](z) |`,
    );
  });

  test('is of services where those are asked for', () => {
    const byService = reportMarkdown(reportOf(knowledge({ groupBy: 'service' })));
    expect(byService).toContain('## Service checkout');
    expect(reportMarkdown(reportOf(knowledge({ slos: [], incidents: [] })))).toContain('0 of 0 met');
  });
});
