import { checkedBy, type Fault, type SloDefinition, sloDefinition } from '@bellwether/contracts';
import { planSlo } from '../slo-plan.js';
import type { Cursor } from './cursor.js';

/**
 * An SLO of an import, checked field by field and as a whole, as `validate` and the server check what is printed: an import
 * that is refused afterwards names fields that nobody wrote.
 */
export function checkedSlo(raw: unknown): { ok: true; slo: SloDefinition } | { ok: false; faults: Fault[] } {
  const checked = checkedBy(sloDefinition, raw);
  if (!checked.ok) return checked;
  const planned = planSlo(checked.data);
  return planned.ok ? { ok: true, slo: checked.data } : planned;
}

/** Longer texts are not repeated in a remark on them. */
const LONGEST_REPEATED = 40;

/** Notes a fault of a field of ours where the other tool's file has it: `1M, read as budgeting.slice, must not be …`. */
export function faultAt(at: Cursor, { path, message }: Fault): void {
  const given = at.text();
  const isShort = given !== undefined && given.length <= LONGEST_REPEATED;
  at.fault(isShort ? `${given}, read as ${path}, ${message}` : `${path} ${message}`);
}
