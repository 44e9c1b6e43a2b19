import type { Upcaster } from './upcast.js';

/**
 * The steps from every version of an event's shape to the next, of all event types that have had more than one.
 * A new version comes with a step here and a fixture of the new shape; the fixtures of the old ones stay.
 */
export const upcasters: readonly Upcaster[] = [];
