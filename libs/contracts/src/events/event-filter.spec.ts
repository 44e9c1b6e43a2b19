import { describe, expect, test } from '@jest/globals';
import { eventCatalog } from './catalog.js';
import { eventTypeFilter } from './event-filter.js';

const said = (filter: string) =>
  eventTypeFilter.safeParse(filter).error?.issues.map(({ message }) => message);

describe('a filter of events', () => {
  test.each([
    ...Object.keys(eventCatalog),
    'incident.*',
    'slo.alert.*',
    'bellwether.incident.declared.v1',
    'incident.declared,page.*',
    'toil.logged',
    'experiment.*',
  ])('takes %s', (filter) => {
    expect(said(filter)).toBeUndefined();
  });

  test('that can match nothing is refused, with what may be meant', () => {
    expect(said('incident.declarde')).toEqual([
      'names no event: "incident.declarde"; did you mean incident.declared?',
    ]);
    expect(said('declared')).toEqual([expect.stringContaining('did you mean incident.declared?')]);
    expect(said('incidents.*')).toEqual([expect.stringMatching(/did you mean incident\.\*/)]);
    expect(said('page.*,xyzzy.*')).toEqual([
      expect.stringMatching(/^names no event: "xyzzy\.\*"; there are .*incident\.\*, .*page\.\*/),
    ]);
    expect(said('bellwether.nothing.v1')).toHaveLength(1);
    expect(said('a b')).toEqual([expect.stringContaining('must be event names')]);
  });
});
