import type { EventEnvelope } from '@bellwether/contracts';
import { BaseRpcContext } from '@nestjs/microservices';

/** What an event handler gets besides the event: `handle(@Payload() event, @Ctx() context: JournalContext<Tx>)`. */
export class JournalContext<Tx = unknown> extends BaseRpcContext<[Tx, EventEnvelope, number]> {
  constructor(tx: Tx, event: EventEnvelope, attempt: number) {
    super([tx, event, attempt]);
  }

  /** The transaction in which the checkpoint moves: what is written here is written exactly once. */
  get tx(): Tx {
    return this.args[0];
  }

  /** Position of the event in its journal. */
  get position(): number {
    return this.args[1].position;
  }

  /** How often this process has tried the event, from 1. */
  get attempt(): number {
    return this.args[2];
  }

  /**
   * Whether an earlier attempt of this process failed. False does not promise that there was none: a process may
   * have died between an effect and the commit, so effects outside `tx` need an id of their own either way.
   */
  get redelivered(): boolean {
    return this.attempt > 1;
  }
}
