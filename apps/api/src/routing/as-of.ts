import { CommandRefused, timeParameter } from '@bellwether/contracts';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { ApiClock } from '../api-clock.js';

/**
 * By how much the clocks of a caller, of Postgres and of this process may differ, milliseconds; as with measurements. A
 * time that is ahead by less is answered as of now, of which alone something is known.
 */
const skew = 5 * 60_000;

/** Refuses `?asOf=` of a time to come: what is known now would be given out as what will be known then. */
@Injectable()
export class AsOfInterceptor implements NestInterceptor {
  constructor(private readonly clock: ApiClock) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { asOf } = (context.switchToHttp().getRequest<FastifyRequest>().query ?? {}) as { asOf?: unknown };
    const time = timeParameter.safeParse(asOf);
    // What is no time at all is refused with the other faults of the request.
    if (time.success) refuseFuture(time.data, this.clock.now());
    return next.handle();
  }
}

/** @throws CommandRefused 400 */
export function refuseFuture(asOf: string, now: Date): void {
  if (Date.parse(asOf) <= now.getTime() + skew) return;
  const message = `must not be in the future: it asks what was known then, and it is ${now.toISOString()}`;
  throw CommandRefused.malformed(`asOf ${message}`, [{ path: 'query.asOf', message }]);
}
