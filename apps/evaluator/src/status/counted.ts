import type { Due } from '@bellwether/slo';
import type { CountedMinutes } from '../store/stored-minutes.js';

/** What an SLO counts, as it is stored. */
export interface Counted {
  /** Events, or judged slices; null where nothing is stored yet. */
  stored: CountedMinutes | null;
  due: Due | null;
  /** How often the SLI is measured, milliseconds; null when nobody can say. */
  cadence: number | null;
  /** Buckets are still being made from the journal. */
  building: boolean;
}
