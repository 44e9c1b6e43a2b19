import type { Rule } from '@bellwether/contracts';
import { planRule, type RulePlan } from '@bellwether/slo';
import type { Registry } from '../registry/registry.js';

/** A plan, and the unit that it was made for. */
interface UnitPlan {
  plan: RulePlan;
  unit: string | undefined;
}

/** Plans that were made: every definition of one rule asks for those of all others. */
const planned = new WeakMap<Rule, UnitPlan>();

/** The plan of a rule as it is defined now; null when there is none, or this version cannot evaluate it. */
export function rulePlanOf(registry: Registry, name: string): UnitPlan | null {
  const entry = registry.rules.get(name);
  if (entry === undefined || entry.retired) return null;
  const { definition } = entry;
  const unit = registry.slis.get(`${definition.service}/${definition.sli}`)?.data.unit;
  const known = planned.get(definition);
  if (known !== undefined && known.unit === unit) return known;
  let made = planRule(definition, unit);
  // An SLI that got another unit later: its values are compared as they come, as before.
  if (!made.ok) made = planRule(definition);
  if (!made.ok) return null;
  planned.set(definition, { plan: made.plan, unit });
  return { plan: made.plan, unit };
}
