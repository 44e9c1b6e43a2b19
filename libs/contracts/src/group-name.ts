import type { SloGroup } from './resources/slo.js';

/** Characters of a group's value in a sentence. */
const SAID = 60;

/** A group in a sentence, such as `region eu`: one line of bearable length, whatever its label has. */
export function groupName({ label, value }: SloGroup): string {
  const said = value.length > SAID ? `${value.slice(0, SAID).toWellFormed()}…` : value;
  return `${label} ${said}`.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** An SLO, or a group of it, in a sentence: `checkout-availability (region eu)`. */
export function sloName({ slo, group }: { slo: string; group?: SloGroup | undefined }): string {
  return group === undefined ? slo : `${slo} (${groupName(group)})`;
}
