import type { CommandData } from '@bellwether/contracts';
import { Controller } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Writer } from '../commands/writer.js';
import { atLeast } from '../read/freshness.js';
import { PageStore } from '../read/page-store.js';
import { ReadModels } from '../read/read-models.js';
import { Answer } from '../routing/answer.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

type PageCommand = 'paging.page-acknowledge' | 'paging.page-escalate' | 'paging.page-reassign';

/** Pages: read, acknowledged, escalated, reassigned. */
@Controller()
export class PagesController {
  constructor(
    private readonly pages: PageStore,
    private readonly models: ReadModels,
    private readonly writer: Writer,
  ) {}

  @Serves('listPages')
  async list(@Input() { query }: InputOf<'listPages'>) {
    const { limit, cursor, ...filter } = query;
    const paging = Paging.of({ limit, cursor }, ['pages', filter], z.int());
    return paging.page(
      await this.pages.list(paging, filter),
      ({ number }) => number,
      ({ view }) => view,
    );
  }

  @Serves('getPage')
  async get(@Input() { params, query }: InputOf<'getPage'>) {
    const page = await atLeast(
      this.models,
      `the page ${params.id}`,
      query.minVersion,
      () => this.pages.find(params.id, query.asOf),
      { model: 'pages', key: params.id },
    );
    return new Answer(page, { version: page.version });
  }

  @Serves('acknowledgePage')
  acknowledge(@Input() { params, body, request }: InputOf<'acknowledgePage'>) {
    return this.change(request, 'paging.page-acknowledge', { page: params.id, via: 'api', ...body });
  }

  @Serves('escalatePage')
  escalate(@Input() { params, body, request }: InputOf<'escalatePage'>) {
    return this.change(request, 'paging.page-escalate', { page: params.id, ...body });
  }

  @Serves('reassignPage')
  reassign(@Input() { params, body, request }: InputOf<'reassignPage'>) {
    return this.change(request, 'paging.page-reassign', { page: params.id, ...body });
  }

  private change<N extends PageCommand>(request: FastifyRequest, name: N, data: CommandData<N>) {
    return this.writer.write(request, name, data, {
      current: async () => (await this.pages.find(data.page))?.version ?? 0,
    });
  }
}
