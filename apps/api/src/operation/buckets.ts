import { type BucketsState, bucketsState } from '@bellwether/contracts';
import type { Caller, CommandGateway } from '../commands/gateway.js';

/** The evaluator's minute buckets, which are derived from the measurement journals. */
export class Buckets {
  constructor(private readonly gateway: CommandGateway) {}

  /** How complete they are; null when no evaluator answers. */
  async state(caller: Caller): Promise<BucketsState | null> {
    try {
      const answer = await this.gateway.operate('evaluator', 'buckets-state', {}, caller, {
        timeoutMs: 2_000,
        graceMs: 0,
      });
      return bucketsState.parse(answer);
    } catch {
      return null;
    }
  }

  /** Begins to make them anew, beside the ones in use. */
  async rebuild(caller: Caller): Promise<BucketsState> {
    return bucketsState.parse(await this.gateway.operate('evaluator', 'buckets-rebuild', {}, caller));
  }
}
