import { principalOf } from '@bellwether/service';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Writer } from '../commands/writer.js';
import { GateReader } from '../gate/gate-reader.js';
import { GateStore } from '../read/gate-store.js';
import { ResourceReader } from '../read/resource-reader.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

/** Whether services may be changed, what people do about that, and change freezes. */
@Controller()
export class GateController {
  constructor(
    private readonly gate: GateReader,
    private readonly overrides: GateStore,
    private readonly resources: ResourceReader,
    private readonly writer: Writer,
  ) {}

  @Serves('getGate')
  getGate(@Input() { params, query, request }: InputOf<'getGate'>) {
    return this.gate.decide(params.name, principalOf(request), query.asOf);
  }

  @Serves('decideGate')
  async decideGate(@Input() { params, body, request }: InputOf<'decideGate'>) {
    const decision = await this.gate.decide(params.name, principalOf(request));
    return this.writer.write(
      request,
      'evaluator.gate-record',
      { service: params.name, ...body, decision },
      { current: async () => 0, versioned: false, asked: body },
    );
  }

  @Serves('listGateOverrides')
  async listOverrides(@Input() { params, query }: InputOf<'listGateOverrides'>) {
    const { asOf } = query;
    const paging = Paging.of(query, ['gate-overrides', params.name, asOf], z.int());
    return paging.page(
      await this.overrides.list(params.name, paging, asOf),
      ({ position }) => position,
      ({ override }) => override,
    );
  }

  @Serves('createGateOverride')
  createOverride(@Input() { params, body, request }: InputOf<'createGateOverride'>) {
    return this.writer.write(
      request,
      'evaluator.gate-override',
      { service: params.name, ...body },
      { current: async () => 0, versioned: false },
    );
  }

  @Serves('withdrawGateOverride')
  withdrawOverride(@Input() { params, request }: InputOf<'withdrawGateOverride'>) {
    return this.writer.write(
      request,
      'evaluator.gate-override-withdraw',
      { service: params.name, id: params.id },
      { current: async () => 0, versioned: false },
    );
  }

  @Serves('listFreezes')
  listFreezes(@Input() { query }: InputOf<'listFreezes'>) {
    return this.resources.list('freeze', query);
  }

  @Serves('getFreeze')
  getFreeze(@Input() { params, query }: InputOf<'getFreeze'>) {
    return this.resources.get('freeze', params.name, query);
  }

  @Serves('putFreeze')
  putFreeze(@Input() { params, body, request }: InputOf<'putFreeze'>) {
    return this.writer.write(request, 'evaluator.freeze-define', body, {
      current: () => this.resources.version('freeze', params.name),
    });
  }

  @Serves('deleteFreeze')
  deleteFreeze(@Input() { params, request }: InputOf<'deleteFreeze'>) {
    return this.writer.write(
      request,
      'evaluator.freeze-retire',
      { freeze: params.name },
      { current: () => this.resources.version('freeze', params.name) },
    );
  }
}
