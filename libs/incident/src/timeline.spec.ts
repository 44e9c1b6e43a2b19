import type { EventData, LoggedEvent } from '@bellwether/contracts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deployStory, Journal, noticesOf } from './recorded-story.fixture.js';
import { at } from './specification.fixture.js';
import { incidentAt, knownAt, timeline } from './timeline.js';
import { timelineText } from './timeline-text.js';

const story = deployStory().events;
const lines = (asOf?: string) =>
  timeline('INC-1', story, asOf).map(({ at: when, kind, text }) => `${when.slice(11, 16)} ${kind} ${text}`);

describe('the timeline of an incident', () => {
  test('tells the story from the log, ordered by when it happened', () => {
    expect(lines()).toEqual([
      '09:50 change deploy of checkout: 2.0.0 by alan',
      '10:00 alert checkout-availability (page, fast) of checkout fires: burn 20× over 1h and 150× over 5m (threshold 14.4×), error budget left 97 %',
      '10:00 declared INC-1 declared as sev2 by alert checkout-availability (page, fast): checkout burns its budget',
      '10:00 page INC-1-P1 to ada (step 1, declared)',
      '10:00 page INC-1-P1 delivered to ada by hook, attempt 1',
      '10:02 page INC-1-P1 acknowledged by ada',
      '10:02 role ada took command with the first acknowledge',
      '10:08 budget error budget of checkout-availability went down past 50 %: 49 % left',
      '10:09 note rolled back to 1.8',
      '10:09 note rolled back to 1.9.0',
      '10:14 alert checkout-availability (page, fast) resolved (recovered): burn 16× over 1h and 0× over 5m (threshold 14.4×), error budget left 42 %',
      '10:14 status investigating → monitoring: all page alerts have resolved',
      '10:20 status resolved: holds',
      '10:30 page INC-1-P1 ended: the incident was resolved',
    ]);
  });

  test('tells a call that says that the page ended from one that pages', () => {
    const journal = deployStory();
    noticesOf(journal);
    expect(
      timeline('INC-1', journal.events)
        .slice(-3)
        .map(({ text }) => text),
    ).toEqual([
      'INC-1-P1 ended: the incident was resolved',
      'INC-1-P1: ada (by hook) could not be told that it ended: 503',
      'INC-1-P1: chat was told that it ended',
    ]);
  });

  test('tells what was said with an acknowledgement', () => {
    const acknowledged = story.find((event) => event.type === 'page.acknowledged')
      ?.data as EventData<'page.acknowledged'>;
    const journal = deployStory();
    journal.append('page:INC-1-P1', 'page.acknowledged', { ...acknowledged, note: 'on it' }, { minutes: 3 });
    expect(timeline('INC-1', journal.events).map(({ text }) => text)).toContain(
      'INC-1-P1 acknowledged by ada: on it',
    );
  });

  test('says why a page reaches nobody', () => {
    const journal = new Journal();
    const declared = story.find((event) => event.type === 'incident.declared');
    journal.append('incident:INC-1', 'incident.declared', declared?.data as EventData<'incident.declared'>, {
      minutes: 0,
    });
    const requested = story.find((event) => event.type === 'page.requested')
      ?.data as EventData<'page.requested'>;
    journal.append(
      'page:INC-1-P1',
      'page.requested',
      { ...requested, policy: null, users: [], intents: [] },
      { minutes: 0 },
    );
    expect(timeline('INC-1', journal.events).at(-1)?.text).toBe(
      'INC-1-P1 reaches nobody: neither the SLO nor the service names an escalation policy, and there is no default one',
    );
  });

  describe('tells who is called by a page', () => {
    const says = (type: string, data: object) => {
      const [event] = story;
      return timelineText({ ...(event as LoggedEvent), type, data: { page: 'INC-1-P1', ...data } })?.text;
    };
    const request = story.find((event) => event.type === 'page.requested')
      ?.data as EventData<'page.requested'>;
    const [ada] = request.intents;
    const webhook = { ...ada, user: null, method: 'webhook', address: 'https://chat.example.org/secret' };
    const requested = (more: object) => says('page.requested', { ...request, ...more });

    test('and who cannot be reached', () => {
      expect(requested({ users: ['ada', 'grace'] })).toBe(
        'INC-1-P1 to ada (step 1, declared); grace cannot be reached by any contact method',
      );
      expect(requested({ users: ['grace', 'mary'], intents: [], cycle: 2, reason: 'timeout' })).toBe(
        'INC-1-P1 reaches nobody (step 1, cycle 2, timeout): grace, mary cannot be reached by any contact method',
      );
      expect(requested({ users: [], intents: [] })).toBe(
        'INC-1-P1 reaches nobody (step 1, declared): nobody is on call',
      );
    });

    test('webhooks of a policy included, without their addresses', () => {
      expect(requested({ users: [], intents: [webhook], reason: 'fallback' })).toBe(
        'INC-1-P1 to a webhook (step 1, fallback)',
      );
      expect(requested({ intents: [ada, webhook, webhook] })).toBe(
        'INC-1-P1 to ada, 2 webhooks (step 1, declared)',
      );
    });

    test('and which step is skipped, and why', () => {
      const skipped = { from: 1, step: 2, cycle: 1, reason: 'empty-step', by: null };
      expect(says('page.escalated', { ...skipped, unreachable: ['grace'] })).toBe(
        'INC-1-P1 skips step 1, which reaches nobody, for step 2: grace cannot be reached by any contact method',
      );
      expect(says('page.escalated', { ...skipped, unreachable: [] })).toContain('step 2: nobody is on call');
      expect(says('page.escalated', skipped)).toBe('INC-1-P1 skips step 1, which reaches nobody, for step 2');
      expect(says('page.escalated', { ...skipped, reason: 'timeout' })).toBe(
        'INC-1-P1 escalated from step 1 to 2 (timeout)',
      );
    });

    test('and whether nobody answered in the end, or nobody could be reached', () => {
      expect(says('page.exhausted', { cycles: 1 })).toBe('INC-1-P1 had no answer after 1 cycle');
      expect(says('page.exhausted', { cycles: 2, called: true })).toBe(
        'INC-1-P1 had no answer after 2 cycles',
      );
      expect(says('page.exhausted', { cycles: 1, called: true, unreachable: ['grace'] })).toBe(
        'INC-1-P1 had no answer after 1 cycle, and its last step reaches nobody: grace cannot be reached by any contact method',
      );
      expect(says('page.exhausted', { cycles: 1, called: false, unreachable: ['grace'] })).toBe(
        'INC-1-P1 is exhausted: there was nobody to call',
      );
    });
  });

  test('tells what a threshold rule measured, and what it was compared with', () => {
    const alert = {
      rule: 'checkout-slow',
      service: 'checkout',
      severity: 'page',
      summary: 'checkout answers slowly',
      eventTime: at(0),
      measured: {
        sli: 'latency',
        aggregate: 'p95',
        window: '5m',
        op: 'gt',
        value: 1.4,
        threshold: 1,
        clear: 1,
        unit: 's',
        for: '0s',
      },
    };
    const [event] = story;
    const says = (type: string, data: object) =>
      timelineText({ ...(event as LoggedEvent), type, data })?.text;
    expect(says('rule.alert.fired', alert)).toBe(
      'checkout-slow (page) of checkout fires: checkout answers slowly; p95 of latency over 5m is 1.4 s (fires above 1 s)',
    );
    expect(says('rule.alert.resolved', { ...alert, measured: { ...alert.measured, value: 0.7 } })).toBe(
      'checkout-slow (page) resolved; p95 of latency over 5m is 0.7 s (fires above 1 s)',
    );
    // What another monitoring system says measures nothing.
    expect(says('rule.alert.resolved', { ...alert, measured: undefined })).toBe(
      'checkout-slow (page) resolved',
    );
  });

  test('keeps both times, who did it, and the event', () => {
    expect(timeline('INC-1', story).find((entry) => entry.text === 'resolved: holds')).toEqual({
      at: at(20),
      recordedAt: at(30),
      kind: 'status',
      text: 'resolved: holds',
      actor: 'user:ada',
      eventId: 'event-19',
      pinned: false,
    });
  });

  test('marks changes of the hour before as suspects, and leaves other services out', () => {
    const changes = timeline('INC-1', story).filter(({ kind }) => kind === 'change');
    expect(changes).toMatchObject([{ suspect: true, links: ['https://git/2.0.0'] }]);
    const journal = deployStory();
    const deploy = (minutes: number) =>
      journal.append(
        'change:checkout',
        'change.recorded',
        { service: 'checkout', kind: 'deploy', version: `at ${minutes}`, at: at(minutes) },
        { minutes },
      );
    for (const minutes of [-65, -64, -4, -3, 20, 21]) deploy(minutes);
    expect(
      timeline('INC-1', journal.events)
        .filter(({ kind }) => kind === 'change')
        .map(({ text, suspect }) => [text.split(': ')[1], suspect]),
    ).toEqual([
      ['at -64', true],
      ['2.0.0 by alan', true],
      ['at -4', true],
      ['at -3', false],
      ['at 20', false],
    ]);
  });

  test('takes a change after the start for a suspect in the minute of the start alone', () => {
    const start = Date.UTC(2026, 10, 22, 9, 56, 53);
    const iso = (seconds: number) => new Date(start + seconds * 1000).toISOString();
    const story = deployStory().events.map((event): LoggedEvent => {
      const data = event.data as { version?: string };
      if (event.type === 'incident.declared') return { ...event, data: { ...data, startedAt: iso(0) } };
      if (event.type !== 'change.recorded') return event;
      return { ...event, data: { ...data, at: iso(data.version === '2.0.0' ? 6 : 7) } };
    });
    expect(
      timeline('INC-1', story)
        .filter(({ kind }) => kind === 'change')
        .map(({ at: when, suspect }) => [when, suspect]),
    ).toEqual([
      ['2026-11-22T09:56:59.000Z', true],
      ['2026-11-22T09:57:00.000Z', false],
    ]);
  });

  test('keeps both versions of a corrected note', () => {
    expect(timeline('INC-1', story).filter(({ kind }) => kind === 'note')).toMatchObject([
      { text: 'rolled back to 1.8', eventId: 'event-14', correctedBy: 'event-15', pinned: true },
      { text: 'rolled back to 1.9.0', eventId: 'event-15', pinned: true },
    ]);
  });

  test('says what the incident itself says where the alerts and pages are not at hand', () => {
    const own = story.filter((event) => event.stream === 'incident:INC-1');
    expect(timeline('INC-1', own).map(({ kind }) => kind)).toEqual([
      'declared',
      'page',
      'role',
      'note',
      'note',
      'alert',
      'status',
      'status',
    ]);
  });

  test('of an incident that was not declared is empty', () => {
    expect(timeline('INC-2', story)).toEqual([]);
    expect(timeline('INC-1', story, at(-1))).toEqual([]);
  });

  test('does not depend on the order in which events arrive', () => {
    const expected = timeline('INC-1', story);
    fc.assert(
      fc.property(fc.shuffledSubarray(story, { minLength: story.length }), (shuffled) => {
        expect(timeline('INC-1', shuffled)).toEqual(expected);
      }),
    );
  });
});

describe('as of a moment', () => {
  test('what was known then: the prefix of the log that was recorded', () => {
    for (let length = 0; length <= story.length; length++) {
      const prefix = story.slice(0, length);
      const last = prefix.at(-1)?.recordedAt.toISOString() ?? at(-1000);
      const knownThen = knownAt(story, last);
      expect(incidentAt('INC-1', story, last)).toEqual(incidentAt('INC-1', knownThen));
      expect(timeline('INC-1', story, last)).toEqual(timeline('INC-1', knownThen));
    }
    expect(incidentAt('INC-1', story, at(2))).toMatchObject({
      status: 'investigating',
      acknowledgedAt: at(2),
      version: 3,
    });
    expect(incidentAt('INC-1', story, at(29))).toMatchObject({ status: 'monitoring', resolvedAt: null });
    expect(incidentAt('INC-1', story, at(30))).toMatchObject({ status: 'resolved', resolvedAt: at(20) });
  });

  test('a back-dated event is not known before it was recorded', () => {
    const journal = new Journal();
    journal.events.push(...story.slice(0, 6));
    journal.append(
      'incident:INC-1',
      'incident.note-added',
      { incident: 'INC-1', text: 'saw it first', at: at(-4), links: [], pinned: false },
      { minutes: 10, by: 'user:ada', recorded: 5 },
    );
    const texts = (asOf: string) => timeline('INC-1', journal.events, asOf).map(({ text }) => text);
    expect(texts(at(14))).not.toContain('saw it first');
    expect(texts(at(15)).indexOf('saw it first')).toBe(1);
  });
});
