import { transaction } from '@bellwether/event-log';
import type { RulePlan } from '@bellwether/slo';
import type pg from 'pg';
import type { Lease } from '../partition/leases.js';
import type { RuleEntry } from '../registry/rule-entry.js';
import { fence } from './lease-fence.js';

/** Since when a rule holds without having fired yet. */
export interface Pending {
  /** What is watched: see the rule's plan. */
  condition: string;
  /** Epoch milliseconds. */
  since: number;
}

/** The rules that are pending, as their partitions' holders left them. */
export class PendingRules {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Of these rules, the ones that are pending. */
  async load(rules: readonly string[]): Promise<Map<string, Pending>> {
    if (rules.length === 0) return new Map();
    const { rows } = await this.#pool.query<Pending & { rule: string }>(
      'select rule, condition, since::float8 as since from evaluator.pending_rules where rule = any($1)',
      [rules],
    );
    return new Map(rows.map(({ rule, condition, since }) => [rule, { condition, since }]));
  }

  /** Stores what changed; null for a rule that is not pending any more. @throws LeaseLost */
  async save(lease: Lease, changes: ReadonlyMap<string, Pending | null>): Promise<void> {
    if (changes.size === 0) return;
    const over = [...changes].flatMap(([rule, pending]) => (pending === null ? [rule] : []));
    const begun = [...changes].flatMap(([rule, pending]) => (pending === null ? [] : [{ rule, ...pending }]));
    await transaction(this.#pool, async (tx) => {
      await fence(tx, lease);
      if (over.length > 0) await tx.query('delete from evaluator.pending_rules where rule = any($1)', [over]);
      if (begun.length === 0) return;
      await tx.query(
        `insert into evaluator.pending_rules (rule, condition, since)
         select * from unnest($1::text[], $2::text[], $3::bigint[])
         on conflict (rule) do update set condition = excluded.condition, since = excluded.since`,
        [
          begun.map(({ rule }) => rule),
          begun.map(({ condition }) => condition),
          begun.map(({ since }) => since),
        ],
      );
    });
  }
}

/**
 * Since when a rule is pending, as it was stored, epoch milliseconds; null when it is not: what another definition
 * watched, or one before it was retired, does not count, nor what it fired for already (a crash between the firing and
 * the note of it leaves that).
 */
export function pendingSince(entry: RuleEntry, plan: RulePlan, stored: Pending): number | null {
  const { ledger, definedAt } = entry;
  const isOver = ledger.firing || (ledger.since !== null && stored.since <= ledger.since);
  return isOver || stored.condition !== plan.condition || stored.since < definedAt ? null : stored.since;
}
