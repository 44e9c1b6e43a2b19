import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';

/**
 * Hands errors of handlers to the transport as they are. Without it Nest puts "Internal server error" in place of
 * everything but its own RpcException, and a refusal loses its problem, a parked event its reason.
 *
 * Install it where the strategy is: `app.useGlobalFilters(new BusErrorFilter())`.
 */
@Catch()
export class BusErrorFilter implements RpcExceptionFilter<unknown> {
  catch(exception: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => exception);
  }
}
