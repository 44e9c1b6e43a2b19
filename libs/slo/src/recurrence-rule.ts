import { Temporal } from 'temporal-polyfill';

/** A recurrence rule that is not understood, in words for who wrote it. */
export class RuleFault extends Error {
  override readonly name = 'RuleFault';
}

const FREQUENCIES = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'];
const DAYS = '(MO|TU|WE|TH|FR|SA|SU)';
const list = (item: string) => new RegExp(`^${item}(,${item})*$`);

/** What a part of a rule may look like, and how to say so. */
const PARTS: Readonly<Record<string, { shape: RegExp; says: string }>> = {
  FREQ: { shape: new RegExp(`^(${FREQUENCIES.join('|')})$`), says: `one of ${FREQUENCIES.join(', ')}` },
  INTERVAL: { shape: /^[1-9][0-9]{0,2}$/, says: 'a whole number from 1 to 999' },
  COUNT: { shape: /^[1-9][0-9]{0,3}$/, says: 'a whole number from 1 to 9999' },
  UNTIL: {
    shape: /^\d{8}(T\d{6}Z?)?$/,
    says: 'a day or time such as 20261231, 20261231T180000 (local) or 20261231T170000Z',
  },
  WKST: { shape: new RegExp(`^${DAYS}$`), says: 'a weekday such as MO' },
  BYDAY: { shape: list(`([+-]?[1-5])?${DAYS}`), says: 'weekdays such as MO,FR, or 1TU and -1FR of a month' },
  BYMONTHDAY: {
    shape: list('-?([1-9]|[12][0-9]|3[01])'),
    says: 'days of the month such as 1,15, or -1 for the last',
  },
  BYMONTH: { shape: list('([1-9]|1[0-2])'), says: 'months from 1 to 12' },
  BYSETPOS: { shape: list('-?([1-9]|[12][0-9]|3[01])'), says: 'positions such as 1 or -1' },
};

/** The parts that each frequency takes, besides INTERVAL, COUNT, UNTIL and WKST: those with which it always comes again. */
const TAKES: Readonly<Record<string, readonly string[]>> = {
  DAILY: ['BYDAY', 'BYMONTH'],
  WEEKLY: ['BYDAY', 'BYMONTH'],
  MONTHLY: ['BYDAY', 'BYMONTH', 'BYMONTHDAY', 'BYSETPOS'],
  YEARLY: ['BYDAY', 'BYMONTH', 'BYMONTHDAY', 'BYSETPOS'],
};

/**
 * The parts of an RFC 5545 recurrence rule, checked. The library that reads rules takes unknown words for nothing, and
 * searches until the year 9999 for the next day of a rule that has none; such rules are refused here.
 * `UNTIL` in UTC is turned into the wall clock of the zone, which everything else is in.
 * @throws RuleFault
 */
export function checkRule(rule: string, timeZone: string): string {
  const parts = new Map<string, string>();
  for (const part of rule
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, '')
    .split(';')) {
    const [name = '', value = '', ...rest] = part.split('=');
    const known = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
    if (known === undefined) {
      throw new RuleFault(
        `has an unknown part "${name}"; known are ${Object.keys(PARTS).join(', ')}, and "start" and "timeZone" stand beside the rule`,
      );
    }
    if (rest.length > 0 || !known.shape.test(value)) throw new RuleFault(`${name} must be ${known.says}`);
    if (parts.has(name)) throw new RuleFault(`has ${name} twice`);
    parts.set(name, value);
  }
  const frequency = parts.get('FREQ');
  if (frequency === undefined) throw new RuleFault('must say FREQ, such as FREQ=WEEKLY;BYDAY=FR');
  checkTogether(parts, frequency);
  const until = parts.get('UNTIL');
  if (until !== undefined) parts.set('UNTIL', localUntil(until, timeZone));
  return [...parts].map(([name, value]) => `${name}=${value}`).join(';');
}

function checkTogether(parts: ReadonlyMap<string, string>, frequency: string): void {
  const limits = [...parts.keys()].filter((name) => name.startsWith('BY'));
  for (const name of limits) {
    if (!TAKES[frequency]?.includes(name)) throw new RuleFault(`${name} does not go with FREQ=${frequency}`);
  }
  if (parts.has('COUNT') && parts.has('UNTIL')) throw new RuleFault('may have COUNT or UNTIL, not both');
  if (parts.has('BYSETPOS') && !parts.has('BYDAY') && !parts.has('BYMONTHDAY'))
    throw new RuleFault('BYSETPOS needs a BYDAY or BYMONTHDAY to choose from');
  if (frequency === 'DAILY' || frequency === 'WEEKLY') {
    if (/[0-9]/.test(parts.get('BYDAY') ?? ''))
      throw new RuleFault(`BYDAY with a number, such as 1MO, does not go with FREQ=${frequency}`);
    const stepped = frequency === 'DAILY' ? limits.length > 0 : parts.has('BYMONTH');
    // Every 7th day is never a Monday when it began on a Tuesday.
    if (stepped && Number(parts.get('INTERVAL') ?? 1) > 1)
      throw new RuleFault(`INTERVAL does not go with ${limits.join(' and ')} in FREQ=${frequency}`);
  }
}

/** Rules are followed on the wall clock, so their end must be on it, too. A day means all of it. */
function localUntil(until: string, timeZone: string): string {
  const [, year, month, day, hour = '23', minute = '59', second = '59'] =
    /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?/.exec(until) ?? [];
  const wall = readDate(`${year}-${month}-${day}T${hour}:${minute}:${second}`);
  const local = until.endsWith('Z')
    ? wall.toZonedDateTime('UTC').withTimeZone(timeZone).toPlainDateTime()
    : wall;
  return `${local.toString({ smallestUnit: 'second' }).replace(/[-:]/g, '')}Z`;
}

function readDate(text: string): Temporal.PlainDateTime {
  try {
    return Temporal.PlainDateTime.from(text, { overflow: 'reject' });
  } catch {
    throw new RuleFault(`UNTIL must be a day of the calendar; ${text} is none`);
  }
}
