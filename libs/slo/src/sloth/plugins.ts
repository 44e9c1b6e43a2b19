import type { Cursor } from '../interchange/cursor.js';

/** What it means that a plugin is left out, of those that are known. */
const LEFT_OUT: [RegExp, string][] = [
  [
    /^sloth[.]dev\/(core\/|contrib\/(info_labels|rule_intervals)\/)/,
    'it is about the rules that Sloth writes, not about the SLO',
  ],
  [
    /^sloth[.]dev\/contrib\/denominator_corrected_rules\//,
    'the budget counts events anyhow, which is what it corrects; its burn rates are relative to the mean traffic of the period, those here to the traffic of their look-back, so that alerts fire sooner than those of Sloth when traffic is below the mean, and later above it: minTotal and minBad keep low traffic from paging',
  ],
  [
    /^sloth[.]dev\/contrib\/validate_victoria_metrics\//,
    'nothing checks the queries; those in MetricsQL are answered by VictoriaMetrics alone: give its address as --prometheus-url',
  ],
];

/** Checks a chain of SLO plugins: those that are known are left out, and said of; others refuse the file. */
export function checkPlugins(chain: Cursor): void {
  for (const plugin of chain.items()) {
    const id = plugin.at('id').text() ?? '(no id)';
    const [, meaning] = LEFT_OUT.find(([pattern]) => pattern.test(id)) ?? [];
    if (meaning === undefined)
      plugin.fault(
        `${id} is code that runs inside of Sloth, and what it does is not known here: take it out`,
      );
    else plugin.warn(`${id} is left out: ${meaning}`);
  }
}
