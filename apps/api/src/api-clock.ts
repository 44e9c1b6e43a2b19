import type { Clock } from '@bellwether/contracts';

/** The clock, as something Nest can inject. */
export class ApiClock implements Clock {
  constructor(private readonly clock: Clock) {}

  now(): Date {
    return this.clock.now();
  }
}
