import { describe, expect, test } from '@jest/globals';
import { deployStory, noticesOf } from './recorded-story.fixture.js';
import { type IncidentReport, incidentReport, withMeasuredBudgets } from './report.js';
import { reportMarkdown } from './report-markdown.js';
import { at } from './specification.fixture.js';

const story = deployStory();
const report = incidentReport('INC-1', story.events);

describe('the report of an incident', () => {
  test('has the times and durations', () => {
    expect(report?.incident).toMatchObject({
      startedAt: at(-4),
      detectedAt: at(0),
      acknowledgedAt: at(2),
      resolvedAt: at(20),
      timeToResolveMinutes: 20,
    });
    expect(report?.durations).toEqual({
      timeToDetectMinutes: 4,
      timeToAcknowledgeMinutes: 2,
      timeToResolveMinutes: 20,
    });
  });

  test('has the error budget that was spent', () => {
    expect(report?.budgets).toEqual([
      {
        slo: 'checkout-availability',
        remainingAtStart: null,
        remainingAtEnd: null,
        remainingAtFirst: 0.97,
        remainingAtLast: 0.42,
        spent: expect.closeTo(0.55, 9),
      },
    ]);
  });

  test('has what was measured of it from the start to the end, where that is known', () => {
    const measured = (remainingAtStart: number | null, remainingAtEnd: number | null, slo: string) =>
      withMeasuredBudgets(report as IncidentReport, new Map([[slo, { remainingAtStart, remainingAtEnd }]]))
        .budgets;
    expect(measured(0.99, -0.2, 'checkout-availability')).toEqual([
      {
        slo: 'checkout-availability',
        remainingAtStart: 0.99,
        remainingAtFirst: 0.97,
        remainingAtLast: 0.42,
        remainingAtEnd: -0.2,
        spent: expect.closeTo(1.19, 9),
      },
    ]);
    // Nothing was measured at one of its ends: before the start, nothing had been spent.
    for (const [start, end, spent] of [
      [null, -55, 56],
      [0.99, null, null],
      [null, null, null],
    ] as const) {
      expect(measured(start, end, 'checkout-availability')).toEqual([
        {
          ...report?.budgets[0],
          remainingAtStart: start,
          remainingAtEnd: end,
          spent,
        },
      ]);
    }
    expect(measured(0.99, 0.3, 'another-slo')).toEqual(report?.budgets);
  });

  test('has who did what', () => {
    expect(report?.people).toMatchObject([
      {
        user: 'ada',
        roles: [{ role: 'commander', from: at(2), to: null }],
        deeds: [
          { at: at(2), text: 'INC-1-P1 acknowledged by ada' },
          { at: at(9), text: 'rolled back to 1.9.0' },
          { at: at(20), text: 'resolved: holds' },
        ],
      },
    ]);
  });

  test('has the pages', () => {
    expect(report?.pages).toEqual([
      {
        id: 'INC-1-P1',
        requestedAt: at(0),
        users: ['ada'],
        deliveries: 1,
        failures: 0,
        escalations: 0,
        acknowledgedAt: at(2),
        acknowledgedBy: 'ada',
        endedAt: at(30),
      },
    ]);
  });

  test('does not count as pages the calls that said that the page ended', () => {
    const journal = deployStory();
    noticesOf(journal);
    expect(incidentReport('INC-1', journal.events)?.pages).toMatchObject([{ deliveries: 1, failures: 0 }]);
  });

  test('has the suspect change', () => {
    expect(report?.suspects.map(({ text }) => text)).toEqual(['deploy of checkout: 2.0.0 by alan']);
  });

  test('is of what was known then', () => {
    expect(incidentReport('INC-1', story.events, at(-1))).toBeNull();
    expect(incidentReport('INC-1', story.events, at(1))).toMatchObject({
      incident: { status: 'investigating' },
      durations: { timeToAcknowledgeMinutes: null },
    });
  });
});

describe('the report as Markdown', () => {
  const markdown = report ? reportMarkdown(report) : '';

  test('has of an alert that fired again the first time, how often, and the last', () => {
    const { incident, ...rest } = report as IncidentReport;
    const [first, ...others] = incident.alerts;
    const again = { ...first!, firings: 2, firstFiredAt: at(0), firedAt: at(5) };
    expect(reportMarkdown({ ...rest, incident: { ...incident, alerts: [again, ...others] } })).toContain(
      `| ${at(0)} (fired 2 times, last ${at(5)}) |`,
    );
  });

  test('tells deliveries from attempts that failed', () => {
    const pages = (report as IncidentReport).pages.map((page) => ({ ...page, deliveries: 2, failures: 4 }));
    expect(reportMarkdown({ ...(report as IncidentReport), pages })).toContain(
      '| ada | 2 delivered, 4 failed attempts |',
    );
  });

  test('reads as a document', () => {
    expect(markdown).toMatchInlineSnapshot(`
"# INC-1: checkout burns its budget

|  |  |
| --- | --- |
| Severity | sev2 |
| Status | resolved |
| Services | checkout |
| Commander | ada |
| Responders | ada |
| Started | 2026-11-22T09:56:00.000Z |
| Detected | 2026-11-22T10:00:00.000Z (after 4 min) |
| Acknowledged | 2026-11-22T10:02:00.000Z (after 2 min) |
| Resolved | 2026-11-22T10:20:00.000Z (after 20 min) |

## Error budget

| SLO | left at start | at first alert | at last alert | left at end | spent |
| --- | --- | --- | --- | --- | --- |
| checkout-availability | unknown | 97 % | 42 % | unknown | 55 % |

## Alerts

| Alert | Service | Severity | Fired | Resolved |
| --- | --- | --- | --- | --- |
| checkout-availability (fast) | checkout | page | 2026-11-22T10:00:00.000Z | 2026-11-22T10:14:00.000Z |

## Suspect changes

- 2026-11-22T09:50:00.000Z deploy of checkout: 2.0.0 by alan <https://git/2.0.0>

## Pages

| Page | Requested | Paged | Deliveries | Escalations | Acknowledged |
| --- | --- | --- | --- | --- | --- |
| INC-1-P1 | 2026-11-22T10:00:00.000Z | ada | 1 | 0 | 2026-11-22T10:02:00.000Z by ada |

## People

- **ada** (commander 2026-11-22T10:02:00.000Z to the end)
  - 2026-11-22T10:02:00.000Z INC-1-P1 acknowledged by ada
  - 2026-11-22T10:09:00.000Z rolled back to 1.9.0
  - 2026-11-22T10:20:00.000Z resolved: holds

## Timeline

| Time (UTC) | Kind | What | Who |
| --- | --- | --- | --- |
| 2026-11-22T09:50:00.000Z | change | deploy of checkout: 2.0.0 by alan (suspect) <https://git/2.0.0> | service:incident |
| 2026-11-22T10:00:00.000Z | alert | checkout-availability (page, fast) of checkout fires: burn 20× over 1h and 150× over 5m (threshold 14.4×), error budget left 97 % | service:incident |
| 2026-11-22T10:00:00.000Z | declared | INC-1 declared as sev2 by alert checkout-availability (page, fast): checkout burns its budget | service:incident |
| 2026-11-22T10:00:00.000Z | page | INC-1-P1 to ada (step 1, declared) | service:paging |
| 2026-11-22T10:00:00.000Z | page | INC-1-P1 delivered to ada by hook, attempt 1 | service:paging |
| 2026-11-22T10:02:00.000Z | page | INC-1-P1 acknowledged by ada | user:ada |
| 2026-11-22T10:02:00.000Z | role | ada took command with the first acknowledge | service:incident |
| 2026-11-22T10:08:00.000Z | budget | error budget of checkout-availability went down past 50 %: 49 % left | service:incident |
| 2026-11-22T10:09:00.000Z | note | 📌 ~~rolled back to 1.8~~ (corrected) | user:ada |
| 2026-11-22T10:09:00.000Z | note | 📌 rolled back to 1.9.0 | user:ada |
| 2026-11-22T10:14:00.000Z | alert | checkout-availability (page, fast) resolved (recovered): burn 16× over 1h and 0× over 5m (threshold 14.4×), error budget left 42 % | service:incident |
| 2026-11-22T10:14:00.000Z | status | investigating → monitoring: all page alerts have resolved | service:incident |
| 2026-11-22T10:20:00.000Z | status | resolved: holds | user:ada |
| 2026-11-22T10:30:00.000Z | page | INC-1-P1 ended: the incident was resolved | service:paging |
"
`);
  });

  test('is text where people wrote markup', () => {
    const journal = deployStory();
    const evil = '| a | b\n# <script>alert(1)</script> [x](javascript:1) `code`';
    journal.append(
      'incident:INC-1',
      'incident.note-added',
      { incident: 'INC-1', text: evil, at: at(15), links: ['https://x/?a=>|b'], pinned: false },
      { minutes: 15, by: 'user:ada' },
    );
    const hostile = incidentReport('INC-1', journal.events);
    const row = reportMarkdown(hostile as NonNullable<typeof hostile>)
      .split('\n')
      .filter((line) => line.includes('script') && line.startsWith('|'));
    expect(row).toEqual([
      String.raw`| ${at(15)} | note | \| a \| b / \# \<script\>alert(1)\</script\> \[x\](javascript:1) \`code\` <https://x/?a=%3E%7Cb> | user:ada |`,
    ]);
  });
});
