import { parseOrRefuse } from '@bellwether/contracts';
import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import type { z } from 'zod';

const places: Partial<Record<ArgumentMetadata['type'], string>> = {
  body: 'the body',
  query: 'the query',
  param: 'the path',
};

/**
 * Validates what a handler takes, as `@Body(new ZodBody(schema))`, `@Query(new ZodBody(schema))` or
 * `@Param('name', new ZodBody(schema))`. Faults are answered 400 with `errors: [{path, message}]`, all at once.
 */
@Injectable()
export class ZodBody<S extends z.ZodType> implements PipeTransform<unknown, z.output<S>> {
  constructor(private readonly schema: S) {}

  transform(value: unknown, metadata: ArgumentMetadata): z.output<S> {
    const place = places[metadata.type] ?? 'the request';
    const what = metadata.data === undefined ? place : `${metadata.data} in ${place}`;
    return parseOrRefuse(this.schema, value, what);
  }
}
