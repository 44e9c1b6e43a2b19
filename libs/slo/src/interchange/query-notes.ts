import type { PrometheusSource } from '@bellwether/contracts';
import { countWarnings, type QueryName, queryFaults } from '../prometheus/query-text.js';
import type { Cursor } from './cursor.js';

/**
 * Warns of the queries of an imported source as `validate` will of the definition that comes of it.
 * @param at where a query of the source was written
 */
export function tellOfQueries(source: PrometheusSource, sli: Cursor, at: (name: QueryName) => Cursor): void {
  for (const { name, message } of queryFaults(source)) at(name).warn(`${message}: Prometheus will refuse it`);
  for (const message of countWarnings(source)) sli.warn(message);
}
