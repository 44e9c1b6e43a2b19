import type { Rule, Sli, SloDefinition } from '@bellwether/contracts';
import { queryWarnings } from './prometheus/query-text.js';
import { planRule } from './rule/rule-plan.js';
import { planSlo } from './slo-plan.js';
import { meantUnit } from './unit.js';

/** Units of SLIs that their first measurement defined: there was nothing that anybody meant. */
const UNDEFINED = new Set(['count', 'none']);

/**
 * What is to be said of the definition of an SLI: a unit that says something else than was meant, what its unit does not
 * fit, and queries that Prometheus will refuse or that count otherwise than they seem to.
 * @param users the SLOs and rules of any SLI that are in force; those of this one are looked at
 * @param replaced the definition until now; undefined when there is none
 */
export function sliDefinitionWarnings(
  sli: Sli,
  users: { slos: Iterable<SloDefinition>; rules: Iterable<Rule> },
  replaced?: Sli,
): string[] {
  const meant = meantUnit(sli.unit);
  const isOfSli = (one: { service: string; sli: string }) =>
    one.service === sli.service && one.sli === sli.name;
  const plans = [
    ...[...users.slos]
      .filter(isOfSli)
      .map((slo) => ({ what: `SLO ${slo.name}`, plan: planSlo(slo, sli.unit) })),
    ...[...users.rules]
      .filter(isOfSli)
      .map((rule) => ({ what: `rule ${rule.name}`, plan: planRule(rule, sli.unit) })),
  ];
  return [
    ...(replaced === undefined || replaced.unit === sli.unit || UNDEFINED.has(replaced.unit)
      ? []
      : [
          `unit: was "${replaced.unit}", and nothing is converted: what was measured so far counts in "${sli.unit}" now; ` +
            'an SLI of another name keeps the two apart',
        ]),
    ...(meant === undefined
      ? []
      : [`unit: "${sli.unit}" is taken as it is written and never converted; "${meant}" would be`]),
    ...plans.flatMap(({ what, plan }) =>
      plan.ok ? [] : [`unit: ${what} does not fit it: ${plan.faults[0]?.message}`],
    ),
    ...(sli.source?.prometheus === undefined ? [] : queryWarnings(sli.source.prometheus)),
  ];
}
