import { type PrometheusRules, sli as sliSchema, sloDefinition } from '@bellwether/contracts';
import { exportPrometheusRules, noteText } from '@bellwether/slo';
import type { ReadOptions } from './freshness.js';
import { ResourceReader } from './resource-reader.js';
import { ResourceStore } from './resource-store.js';

/** Rules for Prometheus, made of what is defined. */
export class PrometheusRulesReader {
  constructor(
    private readonly resources: ResourceReader,
    private readonly store: ResourceStore,
  ) {}

  /** The rules of an SLO. @throws CommandRefused 404 */
  async of(name: string, options: ReadOptions): Promise<PrometheusRules> {
    const slo = sloDefinition.parse((await this.resources.get('slo', name, options)).body);
    const sli = await this.store.find('sli', `${slo.service}/${slo.sli}`, options.asOf);
    const { groups, notes } = exportPrometheusRules({
      slos: [slo],
      slis: sli === undefined ? [] : [sliSchema.parse(sli.data)],
    });
    return { groups, notes: notes.map(noteText) };
  }
}
