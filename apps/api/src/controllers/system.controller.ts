import { CommandRefused } from '@bellwether/contracts';
import { principalOf } from '@bellwether/service';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Buckets } from '../operation/buckets.js';
import { ANSWERING_SERVICES, type AnsweringService, DeadLetters } from '../operation/dead-letters.js';
import { System } from '../operation/system.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

/** Operation of the system itself. */
@Controller()
export class SystemController {
  constructor(
    private readonly system: System,
    private readonly deadLetters: DeadLetters,
    private readonly buckets: Buckets,
  ) {}

  @Serves('getSystem')
  state(@Input() { request }: InputOf<'getSystem'>) {
    return this.system.state(principalOf(request));
  }

  @Serves('rebuildProjection')
  rebuild(@Input() { params }: InputOf<'rebuildProjection'>) {
    return this.system.rebuild(params.name);
  }

  @Serves('rebuildBuckets')
  rebuildBuckets(@Input() { request }: InputOf<'rebuildBuckets'>) {
    return this.buckets.rebuild(principalOf(request));
  }

  @Serves('listDeadLetters')
  async listDeadLetters(@Input() { query, request }: InputOf<'listDeadLetters'>) {
    const services = query.service === undefined ? ANSWERING_SERVICES : [known(query.service)];
    const states = await Promise.all(
      services.map((name) => this.deadLetters.ask(name, principalOf(request))),
    );
    const paging = Paging.of(query, ['dead-letters', query.service], z.int());
    const after = paging.after ?? 0;
    const keys = states.flatMap(({ deadLetters }) => deadLetters ?? []);
    const page = paging.page(
      keys.map((key, place) => ({ key, place: place + 1 })).slice(after, after + paging.limit + 1),
      ({ place }) => place,
      ({ key }) => key,
    );
    return { ...page, notListed: states.reduce((total, { more }) => total + more, 0) };
  }

  @Serves('retryDeadLetters')
  retryDeadLetters(@Input() { params, body, request }: InputOf<'retryDeadLetters'>) {
    return this.deadLetters.retry(known(params.service), body.key, principalOf(request));
  }
}

function known(service: string): AnsweringService {
  const found = ANSWERING_SERVICES.find((name) => name === service);
  if (found === undefined) {
    throw CommandRefused.notFound(`a service ${service} that puts anything aside`);
  }
  return found;
}
