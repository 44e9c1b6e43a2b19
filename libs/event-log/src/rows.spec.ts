import { JsonText } from '@bellwether/contracts';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type EventRow, toRecordedEvent, utcDate } from './rows.js';
import { upcastWith } from './upcast.js';

test('times are read as a session in UTC writes them, to the millisecond', () => {
  expect(utcDate('2026-01-31 09:30:00+00').toISOString()).toBe('2026-01-31T09:30:00.000Z');
  expect(utcDate('2026-01-31 09:30:00.25+00').toISOString()).toBe('2026-01-31T09:30:00.250Z');
  expect(utcDate('2026-12-31 23:59:59.999+00').toISOString()).toBe('2026-12-31T23:59:59.999Z');
});

test('every millisecond of the calendar comes back', () => {
  const at = fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
  fc.assert(
    fc.property(at, (date) => {
      const iso = date.toISOString();
      const fraction = iso.slice(19, 23).replace(/[.]?0+$/, '');
      expect(utcDate(`${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction}+00`)).toEqual(date);
    }),
  );
});

test('a session in another zone is refused, not misread', () => {
  expect(() => utcDate('2026-01-31 09:30:00+01')).toThrow(RangeError);
  expect(() => utcDate('infinity')).toThrow(RangeError);
});

test('data asked for as text stays the stored text; what needs upcasting is read', () => {
  const at = '2026-01-31 09:30:00+00';
  const row = (type: string): EventRow => ['1', 'id', 's', '1', type, '1', '{"n": 1.0}', '{}', at, at];
  const upcast = upcastWith([{ type: 'old', from: 1, upcast: (data) => ({ ...(data as object), m: 2 }) }]);
  expect(toRecordedEvent('j', row('new'), upcast, 'text').data).toEqual(new JsonText('{"n": 1.0}'));
  expect(toRecordedEvent('j', row('old'), upcast, 'text')).toMatchObject({ schema: 2, data: { n: 1, m: 2 } });
  expect(toRecordedEvent('j', row('new'), upcast).data).toEqual({ n: 1 });
});
