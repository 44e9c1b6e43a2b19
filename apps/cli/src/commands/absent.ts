import type { AbsentSli } from '@bellwether/contracts';
import { relative } from '../output.js';

/** `since 2026-11-22T09:56:00.000Z (4 min ago): checkout/availability is not measured, expected every 1m` */
export function absentLine({ sli, since, cadence }: AbsentSli, now: Date): string {
  const expected = cadence === null ? '' : `, expected every ${cadence}`;
  return `since ${since} (${relative(since, now)}): ${sli} is not measured${expected}`;
}
