import { type AlertSeverity, durationMillis, formatDuration } from '@bellwether/contracts';
import { googleSre } from '../alert-pairs.js';
import type { AlertWindowFields } from '../interchange/alert-windows.js';
import type { Cursor } from '../interchange/cursor.js';
import { DAY_MINUTES, MINUTE } from '../time-grid.js';

/** The window of every SLO of a Sloth run, and the alerts over it. */
export interface Period {
  rolling: string;
  windows: AlertWindowFields[];
  /** The catalogue that says so, where one does. */
  catalogue?: Cursor;
}

/** Sloth's default: 30 days, with the alerts of Google's workbook that `google-sre` has, too. */
export const DEFAULT_PERIOD: Period = { rolling: '30d', windows: presetWindows(30 * DAY_MINUTES) };

/** The alerts of the preset as windows of their own. */
export function presetWindows(windowMinutes: number): AlertWindowFields[] {
  return googleSre(windowMinutes).map(({ severity, tier, long, short, threshold }) => ({
    severity,
    tier,
    long,
    short,
    burn: threshold,
  }));
}

const TIERS = { quick: 'fast', slow: 'slow' } as const;

/**
 * A catalogue of Sloth's (`kind: AlertWindows`): for one SLO period, the share of the budget that is spent over each
 * long window when its alert fires. Undefined: faults are noted.
 */
export function alertWindows(document: Cursor): Period | undefined {
  const spec = document.at('spec');
  const period = minutesOf(spec.at('sloPeriod'));
  const windows: AlertWindowFields[] = [];
  for (const severity of ['page', 'ticket'] as AlertSeverity[]) {
    for (const name of ['quick', 'slow'] as const) {
      const at = spec.at(severity).at(name);
      const share = at.at('errorBudgetPercent').number();
      const [long, short] = [minutesOf(at.at('longWindow')), minutesOf(at.at('shortWindow'))];
      if (share === undefined || share <= 0) at.at('errorBudgetPercent').fault('must be a number above 0');
      if (period === undefined || long === undefined || short === undefined) continue;
      if (share === undefined || share <= 0) continue;
      windows.push({
        severity,
        tier: TIERS[name],
        long: formatDuration(long * MINUTE),
        short: formatDuration(short * MINUTE),
        burn: Number((((share / 100) * period) / long).toPrecision(12)),
      });
    }
  }
  return period === undefined
    ? undefined
    : { rolling: formatDuration(period * MINUTE), windows, catalogue: document };
}

/**
 * Where a catalogue says a field of SLOs; undefined when it is not of those that a catalogue is about.
 * @param windows that the field's path counts
 */
export function fieldOfCatalogue(
  { catalogue }: Period,
  windows: readonly AlertWindowFields[],
  path: string,
): Cursor | undefined {
  const spec = catalogue?.at('spec');
  const [field, , index, part] = path.split('.');
  if (field === 'window') return spec?.at('sloPeriod');
  const window = field === 'alerting' ? windows[Number(index)] : undefined;
  if (window === undefined) return field === 'alerting' ? spec : undefined;
  const name = (['quick', 'slow'] as const).find((each) => TIERS[each] === window.tier) ?? 'quick';
  return spec
    ?.at(window.severity)
    .at(name)
    .at(WRITTEN[part ?? ''] ?? 'longWindow');
}

const WRITTEN: Record<string, string> = {
  long: 'longWindow',
  short: 'shortWindow',
  burn: 'errorBudgetPercent',
};

/** Minutes of a duration of Prometheus such as `36h` or `1d12h`. */
function minutesOf(at: Cursor): number | undefined {
  const text = at.text() ?? '';
  const parts = text.match(/[1-9][0-9]*[smhdw]/g) ?? [];
  const millis = parts.reduce((sum, part) => sum + durationMillis(part), 0);
  if (parts.join('') === text && millis > 0 && millis % MINUTE === 0) return millis / MINUTE;
  at.fault(`${text || '(missing)'} must be a duration of whole minutes, such as 5m or 36h`);
  return undefined;
}
