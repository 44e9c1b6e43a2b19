import { type AlertingRule, durationMillis, formatDuration, type RecordingRule } from '@bellwether/contracts';
import { type AlertPair, EPSILON } from '../alert-pairs.js';
import type { SloPlan } from '../slo-plan.js';
import { MINUTE } from '../time-grid.js';
import { groupLabel } from './limits.js';
import { type Measure, PERIOD } from './measure.js';
import { literal, lookBack, number, recorded, recordedOver } from './promql.js';

/** How bad each slice was, 0 to 1; recorded once a slice. */
export const SLICE_ERROR = 'bellwether:slice_error:ratio';
/** The bad share over an alert's look-back: `bellwether:sli_error:ratio_1h`. */
const errorSeries = (minutes: number): string => `bellwether:sli_error:ratio_${lookBack(minutes)}`;
/** The bad share over the window of the SLO. */
export const WINDOW_ERROR = 'bellwether:sli_error:ratio_window';
/** B = 1 - objective. */
export const BUDGET = 'bellwether:error_budget:ratio';
/** The fraction of the budget that is left: signed, never clamped. */
export const REMAINING = 'bellwether:error_budget_remaining:ratio';

/** The alert of an SLO that burns its budget too fast; its labels tell severity and tier. */
export const BURN_ALERT = 'BellwetherBudgetBurn';
/** The alert of an SLI that is silent. */
export const ABSENT_ALERT = 'BellwetherSliAbsent';

/** The rules of one SLO. */
export class SloRules {
  readonly #slo: string;
  readonly #labels: Record<string, string>;

  /** @param measures over everything, and where the SLO is grouped, of each group; of the same kind */
  constructor(
    readonly plan: SloPlan,
    readonly measures: [Measure, ...Measure[]],
  ) {
    const { name, service, sli } = plan.definition;
    this.#slo = name;
    this.#labels = { slo: name, service, sli };
  }

  /** What is recorded of each period of the source; nothing when no other rule reads it. */
  periods(): RecordingRule[] {
    const { minTotal, minBad } = this.plan.definition.alerting;
    const [{ readsPeriods, periods }] = this.measures;
    if (!readsPeriods && minTotal === undefined && minBad === undefined) return [];
    return Object.keys(periods).map((series) =>
      this.#rule(
        series,
        this.#each((measure) => measure.periods[series] as string),
      ),
    );
  }

  /**
   * What is recorded of each slice: of the last complete one on the grid from the epoch, whenever in it the rule is
   * evaluated.
   */
  slices(): RecordingRule[] {
    if (this.plan.rule === null) return [];
    const slice = lookBack(this.plan.slice);
    const error = this.#each(({ sliceError }) => sliceError(this.plan.slice));
    return [this.#rule(SLICE_ERROR, `last_over_time((\n${error}\n)[${slice}:${slice}])`)];
  }

  /** The bad share over each look-back of the alerts. */
  errors(): RecordingRule[] {
    const windows = new Set(this.plan.pairs.flatMap((pair) => [pair.shortMinutes, pair.longMinutes]));
    return [...windows]
      .sort((a, b) => a - b)
      .map((minutes) => this.#rule(errorSeries(minutes), this.#errorOver(minutes)));
  }

  /** One alert for each severity and tier: strictly above the threshold in both windows, and above the floors. */
  alerts(labels: Record<string, string>): AlertingRule[] {
    const { definition, budget } = this.plan;
    return this.plan.pairs.map((pair) => {
      const { severity, tier, longMinutes, shortMinutes, threshold } = pair;
      const bound = `> (${number(threshold)} + ${EPSILON}) * ${number(budget)}`;
      const above = [longMinutes, shortMinutes].map(
        (minutes) => `${recorded(errorSeries(minutes), this.#slo, this.#whoAlerts())} ${bound}`,
      );
      return {
        alert: BURN_ALERT,
        expr: [...above, ...this.#floors(pair)].join('\nand\n'),
        // With whose it is, as its series has it: two rules with the same labels look like one given twice.
        labels: { ...labels, ...this.#labels, severity, tier },
        annotations: {
          summary: `${definition.name}${this.#groupName()} burns its error budget too fast (${severity} ${tier}: ${pair.long} and ${pair.short} above ${number(threshold)})`,
          ...(definition.description === '' ? {} : { description: literal(definition.description) }),
          ...(definition.runbookUrl === undefined ? {} : { runbook_url: literal(definition.runbookUrl) }),
        },
      };
    });
  }

  /** What is left of the budget; nothing for a calendar's period, which PromQL has no range for. */
  budget(): RecordingRule[] {
    const { definition, budget, windowMinutes, slice } = this.plan;
    if (!('rolling' in definition.window)) return [];
    // Bad slices count against those of the whole window, so that a young one does not exaggerate.
    const share =
      definition.budgeting.method === 'timeslices' && definition.missingData === 'freeze'
        ? `sum_over_time(${recordedOver(SLICE_ERROR, this.#slo, windowMinutes)}) / ${number(windowMinutes / slice)}`
        : this.#errorOver(windowMinutes);
    return [
      this.#rule(BUDGET, `vector(${number(budget)})`),
      this.#rule(WINDOW_ERROR, share),
      this.#rule(REMAINING, `1 - ${recorded(WINDOW_ERROR, this.#slo)} / ${number(budget)}`),
    ];
  }

  #errorOver(minutes: number): string {
    if (this.plan.rule === null)
      return this.#each(({ errorOver }) => (errorOver as NonNullable<typeof errorOver>)(minutes));
    const slices = recordedOver(SLICE_ERROR, this.#slo, minutes);
    const whole = Math.floor(minutes / this.plan.slice);
    switch (this.plan.definition.missingData) {
      case 'freeze':
        return `avg_over_time(${slices})`;
      case 'good':
        return `sum_over_time(${slices}) / ${whole}`;
      case 'bad':
        // Nothing at all is all bad.
        return `1 - (count_over_time(${slices}) - sum_over_time(${slices})) / ${whole} or on() vector(1)`;
    }
  }

  /** Which of the whole and its groups alert, as matchers. */
  #whoAlerts(): string {
    const by = groupLabel(this.plan.definition);
    if (by === null) return '';
    const { alerts = 'both' } = this.plan.definition.groupBy ?? {};
    return { both: '', overall: `,${by}=""`, groups: `,${by}!=""` }[alerts];
  }

  /** The group of an alert, which its series knows. */
  #groupName(): string {
    const by = groupLabel(this.plan.definition);
    return by === null ? '' : `{{ with $labels.${by} }} (${by} {{ . }}){{ end }}`;
  }

  #floors({ longMinutes }: AlertPair): string[] {
    const { minTotal, minBad } = this.plan.definition.alerting;
    const over = (series: string): string => `sum_over_time(${recordedOver(series, this.#slo, longMinutes)})`;
    return [
      ...(minTotal === undefined ? [] : [`${over(PERIOD.total)} >= ${number(minTotal)}`]),
      ...(minBad === undefined ? [] : [`${over(PERIOD.bad)} >= ${number(minBad)}`]),
    ];
  }

  /** What each measure says of its own; once, where all say it in the same words. */
  #each(text: (measure: Measure) => string): string {
    return [...new Set(this.measures.map(text))].join('\nor\n');
  }

  #rule(record: string, expr: string): RecordingRule {
    return { record, expr, labels: this.#labels };
  }
}

/** The alert that an SLI has been silent for so many of its cadences, which are at least a minute. */
export function absentRule(
  sli: { service: string; name: string },
  presence: string,
  cadence: string,
  cadences: number,
): AlertingRule {
  const silence = formatDuration(cadences * Math.max(durationMillis(cadence), MINUTE));
  return {
    alert: ABSENT_ALERT,
    expr: `absent(${presence})`,
    for: silence,
    labels: { severity: 'ticket', service: sli.service, sli: sli.name },
    annotations: { summary: `${sli.service}/${sli.name} has not been measured for ${silence}` },
  };
}
