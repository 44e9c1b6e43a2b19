import {
  type EventData,
  type EventType,
  eventCatalog,
  isEventType,
  type MeasurementRecorded,
  sloName,
} from '@bellwether/contracts';
import type { RecordedEvent } from '@bellwether/event-log';
import { ruleMeasuredText, timelineText } from '@bellwether/incident';
import type { AlertWindow } from './alert-window.js';

type Alert = EventData<'slo.alert.fired'> | EventData<'slo.alert.resolved'>;
type Writers = { [T in EventType]?: (data: EventData<T>, window: AlertWindow | null) => string };

/** Exact where it is whole; else to three decimals, which is more than a sentence needs. */
const number = (value: number) => String(Number(value.toFixed(3)));
/** To one decimal, as burn rates are spoken of. */
const rate = (value: number | null) => (value === null ? 'unknown' : String(Number(value.toFixed(1))));
const percent = (ratio: number | null) =>
  ratio === null ? 'unknown' : `${Number((ratio * 100).toFixed(1))} %`;
const time = (millis: number) => new Date(millis).toISOString();

const writers: Writers = {
  'measurement.recorded': measured,
  'sli.source-changed': (data) =>
    `source of ${data.service}/${data.sli}: ${data.state}${data.error === null ? '' : `: ${data.error}`}`,
  'slo.alert.fired': (data, window) =>
    `${data.severity} alert ${data.tier} of ${sloName(data)}: ${burn(data)}${evidence(data, window)}${components(data)}`,
  'slo.alert.resolved': (data, window) =>
    `${data.severity} alert ${data.tier} of ${sloName(data)} resolved (${data.reason}): ${burn(data)}${evidence(data, window)}`,
  'rule.alert.fired': (data, window) =>
    `${data.severity} alert of rule ${data.rule}: ${data.summary}${compared(data)}${place(window)}`,
  'rule.alert.resolved': (data, window) =>
    `${data.severity} alert of rule ${data.rule} resolved${data.reason ? ` (${data.reason})` : ''}${compared(data)}${place(window)}`,
  'slo.budget.crossed': (data) =>
    `error budget of ${sloName(data)} went ${data.direction} past ${percent(data.threshold)}, remaining ${percent(data.remaining)}`,
  'slo.corrected': corrected,
  'slo.policy.entered': (data) => `error-budget policy: ${data.title}`,
  'slo.policy.left': (data) =>
    `error-budget policy of ${data.slo}: no longer ${data.action} below ${percent(data.remainingBelow)} (${data.reason}), remaining ${percent(data.remaining)}`,
  'gate.overridden': (data) =>
    `gate of ${data.service} overridden by ${data.by} until ${data.until}: ${data.reason}`,
  'gate.override-withdrawn': (data) =>
    `override ${data.id} of the gate of ${data.service} withdrawn by ${data.by}`,
  'gate.decided': (data) =>
    `gate of ${data.service} for ${data.change}: ${data.decision.allow ? 'allowed' : 'refused'}${data.decision.overridden ? ' by an override' : ''}`,
  'page.attempted': (data) =>
    `${data.page}${data.user ? ` to ${data.user}` : ''} by ${data.method}: attempt ${data.attempt}`,
};

/**
 * One sentence that says what an event means, for people.
 * @param window of an alert: the measurements that it was decided on
 */
export function summaryOf(event: RecordedEvent, window: AlertWindow | null = null): string {
  const write = writers[event.type as EventType] as
    | ((data: unknown, window: AlertWindow | null) => string)
    | undefined;
  if (write) return write(event.data, window);
  const told = timelineText(event)?.text;
  if (told) return told;
  return isEventType(event.type) ? `${eventCatalog[event.type].says}: ${event.stream}` : event.type;
}

/** Who says what of which time, and why. */
function corrected(data: EventData<'slo.corrected'>): string {
  const { slo, id, change, effect, reason, from, to, recurrence, by, withdrawnReason } = data;
  const within = [from && `from ${from}`, to && `until ${to}`].filter(Boolean).join(' ');
  const again = recurrence
    ? `${recurrence.duration} from ${recurrence.start} (${recurrence.timeZone}) on, ${recurrence.rrule}`
    : '';
  const when = [again, within].filter((part) => part !== '').join(', ');
  const what = effect === 'exclude' ? 'excluded' : 'counted as good';
  return change === 'added'
    ? `${slo}: ${what} by ${by}: ${when}: ${reason}`
    : `${slo}: correction ${id} withdrawn by ${by}${withdrawnReason ? ` (${withdrawnReason})` : ''}; ${what} no longer: ${when}`;
}

/** What the windows of an alert saw, and where that stands in the log. */
function evidence({ evidence: found, longWindow, shortWindow }: Alert, window: AlertWindow | null): string {
  if (found === null) return '';
  const { good, total, shortGood, shortTotal } = found;
  const short =
    shortGood === undefined || shortTotal === undefined
      ? ''
      : ` and ${number(shortGood)} of ${number(shortTotal)} over ${shortWindow}`;
  return `; ${number(good)} of ${number(total)} good over ${longWindow}${short}${place(window)}`;
}

/** What a threshold rule measured, and what it compared that with; nothing of other rules. */
function compared({
  measured: found,
}: EventData<'rule.alert.fired'> | EventData<'rule.alert.resolved'>): string {
  if (found === undefined) return '';
  return `; ${ruleMeasuredText(found)}`;
}

/** Where what an alert was decided on stands in the log. */
function place(window: AlertWindow | null): string {
  if (window === null) return '';
  const { journal, first, last, points, measurements, more } = window;
  const at = first === last ? `position ${first}` : `positions ${more ? 'up to' : `${first} to`} ${last}`;
  const of = `${counted(points, 'point')} in ${counted(measurements, 'measurement')}`;
  return `, from ${more ? 'more than ' : ''}${of} (${at} of ${journal})`;
}

/** Components of a composite that are named, the worst ones. */
const NAMED = 3;

/** Which components of a composite it was, the worst first. */
function components({ components: found = [] }: EventData<'slo.alert.fired'>): string {
  const bad = found.filter(({ good, total }) => good < total);
  if (bad.length === 0) return '';
  const named = bad
    .slice(0, NAMED)
    .map(({ slo, good, total }) => `${slo} ${number(good)} of ${number(total)}`);
  return `; by component: ${[...named, ...(bad.length > NAMED ? [`${bad.length - NAMED} more`] : [])].join(', ')}`;
}

function burn(data: Alert): string {
  const [long, short] = [rate(data.longBurn), rate(data.shortBurn)];
  const over =
    long === short
      ? `burn ${long} over ${data.longWindow} and ${data.shortWindow}`
      : `burn ${long} over ${data.longWindow} and ${short} over ${data.shortWindow}`;
  return `${over}, threshold ${number(data.threshold)}, budget remaining ${percent(data.budgetRemaining)}`;
}

function measured(data: MeasurementRecorded): string {
  const times = data.columns.flatMap(({ at }) => at);
  const parts = data.columns.map((columns) => {
    switch (columns.kind) {
      case 'counts':
        return `${number(sum(columns.good))} of ${number(sum(columns.total))} good`;
      case 'values': {
        const [least, most] = [lowest(columns.value), highest(columns.value)];
        return least === most ? `value ${number(least)}` : `values from ${number(least)} to ${number(most)}`;
      }
      default:
        return `a histogram of ${number(sum(columns.counts.flat()))} observations`;
    }
  });
  const [from, to] = [lowest(times), highest(times)];
  const span =
    times.length === 0 ? '' : from === to ? ` at ${time(from)}` : ` from ${time(from)} to ${time(to)}`;
  return `measured ${data.service}/${data.sli}: ${[...new Set(parts)].join(', ')} (${counted(data.points, 'point')}${span})`;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const lowest = (values: readonly number[]) =>
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const highest = (values: readonly number[]) =>
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
