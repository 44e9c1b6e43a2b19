import type { CommandData, CommandName } from '@bellwether/contracts';
import { principalOf } from '@bellwether/service';
import type { FastifyRequest } from 'fastify';
import { Answer } from '../routing/answer.js';
import { expectedVersion } from '../routing/preconditions.js';
import { CommandGateway } from './gateway.js';

export interface WriteShape {
  /** Version of the resource at this moment, 0 for none; for `If-Match: *`. */
  current: () => Promise<number>;
  /** The write makes something of its own, which no version can be named of before. */
  isNew?: boolean;
  /** What to show of the answer. */
  shown?: (data: unknown) => unknown;
  /** Where the resource is to be found. */
  location?: (data: unknown) => string;
  /** The resource has a version, which the answer gives as its ETag. */
  versioned?: boolean;
  secretAnswer?: boolean;
  /** What the caller sent, where the command carries more. */
  asked?: unknown;
}

/** Turns a request into a command and its answer into an answer, the same way for every write. */
export class Writer {
  constructor(private readonly gateway: CommandGateway) {}

  async write<N extends CommandName>(
    request: FastifyRequest,
    name: N,
    data: CommandData<N>,
    shape: WriteShape,
  ): Promise<Answer> {
    const {
      status,
      version,
      warnings,
      data: result,
    } = await this.gateway.write(name, data, {
      request,
      caller: principalOf(request),
      expect: await expectedVersion(request, shape),
      secretAnswer: shape.secretAnswer ?? false,
      asked: shape.asked,
    });
    const shown = shape.shown ? shape.shown(result) : result;
    const body = isObject(shown) ? shown : {};
    return new Answer(
      { ...body, warnings },
      {
        status,
        version: shape.versioned === false ? undefined : version,
        ...(status === 201 && shape.location ? { headers: { location: shape.location(result) } } : {}),
      },
    );
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
