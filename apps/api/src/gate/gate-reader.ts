import {
  type ChangeFreeze,
  type Clock,
  CommandRefused,
  type Gate,
  type Incident,
  ListLimits,
  type SloStatus,
  sloStatus,
} from '@bellwether/contracts';
import { HttpProblem } from '@bellwether/service';
import { decideGate } from '@bellwether/slo';
import { z } from 'zod';
import type { Caller, CommandGateway } from '../commands/gateway.js';
import { inTurn } from '../commands/in-turn.js';
import type { GateStore } from '../read/gate-store.js';
import type { IncidentStore } from '../read/incident-store.js';
import type { ReadModels } from '../read/read-models.js';
import type { ResourceKind } from '../read/resource-kinds.js';
import type { ResourceStore } from '../read/resource-store.js';
import { Paging } from '../routing/cursor.js';

export interface GateSources {
  models: Pick<ReadModels, 'incomplete'>;
  resources: Pick<ResourceStore, 'find' | 'list'>;
  incidents: Pick<IncidentStore, 'list'>;
  overrides: Pick<GateStore, 'open'>;
  gateway: Pick<CommandGateway, 'query'>;
  clock: Clock;
}

/** Gathers what is known of a service, and answers whether it may be changed. */
export class GateReader {
  readonly #sources: GateSources;

  constructor(sources: GateSources) {
    this.#sources = sources;
  }

  /**
   * Everything that is in the log when it is asked is taken into account.
   * @throws CommandRefused 404 for a service that nothing is known of
   * @throws HttpProblem 503 when something is not known at the moment: a gate does not guess
   */
  async decide(service: string, caller: Caller, asOf?: string): Promise<Gate> {
    const { models, incidents, overrides, clock } = this.#sources;
    const incomplete = await models.incomplete();
    if (incomplete !== null)
      throw HttpProblem.unavailable(`${incomplete}; the gate does not answer from the past`);
    const now = clock.now().toISOString();
    const then = asOf !== undefined && asOf < now ? asOf : undefined;
    const at = then ?? now;
    const slos = await this.#all('slo', then, service);
    const known = await this.#sources.resources.find('service', service, then);
    if (!known && slos.length === 0) throw CommandRefused.notFound(`the service ${service}`);
    const [statuses, open, freezes, overriding] = await Promise.all([
      inTurn(slos, ({ key }) => this.#status(key, caller, then)),
      this.#incidents(incidents, service, then),
      this.#all('freeze', then),
      overrides.open(service, at, then),
    ]);
    return decideGate({
      service,
      at: Date.parse(at),
      statuses,
      incidents: open,
      freezes: freezes.map(({ data }) => data as unknown as ChangeFreeze),
      overrides: overriding,
    });
  }

  async #status(slo: string, caller: Caller, asOf: string | undefined): Promise<SloStatus> {
    const data = { slo, ...(asOf === undefined ? {} : { asOf }) };
    return sloStatus.parse(await this.#sources.gateway.query('evaluator.slo-status', data, caller));
  }

  async #incidents(
    incidents: Pick<IncidentStore, 'list'>,
    service: string,
    asOf: string | undefined,
  ): Promise<Incident[]> {
    const paging = Paging.of({ limit: ListLimits.most }, 'gate', z.int());
    const found = await incidents.list(paging, {
      status: ['open'],
      severity: ['sev1', 'sev2'],
      service,
      asOf,
    });
    return found.filter(({ mergedInto }) => mergedInto === null);
  }

  /** Every resource of a kind, over all pages. */
  async #all(kind: ResourceKind, asOf: string | undefined, service?: string) {
    const rows = [];
    for (let cursor: string | undefined; ; ) {
      const paging = Paging.of({ limit: ListLimits.most, cursor }, 'gate', z.string());
      const page = paging.page(
        await this.#sources.resources.list(kind, paging, { asOf, service }),
        ({ key }) => key,
        (row) => row,
      );
      rows.push(...page.items);
      if (page.nextCursor === null) return rows;
      cursor = page.nextCursor;
    }
  }
}
