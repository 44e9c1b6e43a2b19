import type { Cursor } from '../interchange/cursor.js';

/** Plugins that say how Sloth writes its rules down, and nothing about the SLO. */
const OF_RULES = /^sloth[.]dev\/(core\/|contrib\/(info_labels|rule_intervals)\/)/;

/** Why a plugin that changes what an SLO means is refused. */
const REASONS: [RegExp, string][] = [
  [
    /^sloth[.]dev\/contrib\/denominator_corrected_rules\//,
    'weighs errors by the traffic of the whole period, which other numbers come of; here occurrences counts events, and minTotal and minBad keep low traffic from paging: take the plugin out',
  ],
  [
    /^sloth[.]dev\/contrib\/validate_victoria_metrics\//,
    'says that the queries are MetricsQL, which Prometheus does not evaluate: rewrite them in PromQL and take the plugin out',
  ],
];

/** Checks a chain of SLO plugins: those that change the meaning refuse the file, the others are left out. */
export function checkPlugins(chain: Cursor): void {
  for (const plugin of chain.items()) {
    const id = plugin.at('id').text() ?? '(no id)';
    if (OF_RULES.test(id)) {
      plugin.warn(`${id} is left out: it is about the rules that Sloth writes, not about the SLO`);
      continue;
    }
    const [, reason] = REASONS.find(([pattern]) => pattern.test(id)) ?? [];
    plugin.fault(
      `${id} ${reason ?? 'is code that runs inside of Sloth, and what it does is not known here: take it out'}`,
    );
  }
}
