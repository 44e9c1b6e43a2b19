import { LogStreams } from '@bellwether/contracts';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Writer } from '../commands/writer.js';
import { CorrectionStore } from '../read/correction-store.js';
import { atLeast } from '../read/freshness.js';
import { ReadModels } from '../read/read-models.js';
import { ResourceReader } from '../read/resource-reader.js';
import { Answer } from '../routing/answer.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

/** What people say of the data of SLOs. */
@Controller()
export class CorrectionsController {
  constructor(
    private readonly corrections: CorrectionStore,
    private readonly resources: ResourceReader,
    private readonly models: ReadModels,
    private readonly writer: Writer,
  ) {}

  @Serves('listCorrections')
  async list(@Input() { params, query }: InputOf<'listCorrections'>) {
    const { asOf, minVersion } = query;
    const { name } = params;
    await this.resources.get('slo', name, { asOf });
    const { version } = await atLeast(
      this.models,
      `the corrections of ${name}`,
      minVersion,
      async () => ({
        version: await this.corrections.version(name, asOf),
      }),
      { model: 'slo_corrections', key: LogStreams.slo(name) },
    );
    const paging = Paging.of(query, ['corrections', name, asOf], z.int());
    const page = paging.page(
      await this.corrections.list(name, paging, asOf),
      ({ position }) => position,
      ({ correction }) => correction,
    );
    return new Answer(page, { version });
  }

  @Serves('addCorrection')
  add(@Input() { params, body, request }: InputOf<'addCorrection'>) {
    return this.writer.write(
      request,
      'evaluator.slo-correct',
      { slo: params.name, ...body },
      { current: () => this.corrections.version(params.name) },
    );
  }

  @Serves('withdrawCorrection')
  withdraw(@Input() { params, query, request }: InputOf<'withdrawCorrection'>) {
    const { reason } = query;
    return this.writer.write(
      request,
      'evaluator.slo-correction-withdraw',
      { slo: params.name, id: params.id, ...(reason === undefined ? {} : { reason }) },
      { current: () => this.corrections.version(params.name) },
    );
  }
}
