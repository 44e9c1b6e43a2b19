import { HttpProblem } from '@bellwether/service';
import type { FastifyInstance } from 'fastify';

/** How much of HTTP is in hand at once. */
export interface AdmissionLimits {
  /** Bytes of bodies, as announced; a body without a length counts as the largest there may be. */
  bytes: number;
  requests: number;
  /** The largest body there may be. */
  bodyLimit: number;
}

/**
 * Bounds what requests may hold of this process's memory, before their bodies are read: beyond it the answer is
 * 503 with `Retry-After`, which costs next to nothing.
 */
export class Admission {
  #bytes = 0;
  #requests = 0;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly onTurnedAway: () => void = () => {},
  ) {}

  /** What is in hand now. */
  get held(): { bytes: number; requests: number } {
    return { bytes: this.#bytes, requests: this.#requests };
  }

  /**
   * Takes a request in.
   *
   * @returns what gives its share back; calling it again changes nothing
   * @throws HttpProblem 503
   */
  admit(announced: number | undefined): () => void {
    const bytes = Math.min(announced ?? this.limits.bodyLimit, this.limits.bodyLimit);
    if (this.#requests >= this.limits.requests || this.#bytes + bytes > this.limits.bytes) {
      this.onTurnedAway();
      throw HttpProblem.unavailable('too many measurements are in hand; send the same again in a moment');
    }
    this.#bytes += bytes;
    this.#requests += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#bytes -= bytes;
      this.#requests -= 1;
    };
  }

  /** Guards all routes of a server that take a body. */
  guard(server: FastifyInstance): void {
    server.addHook('onRequest', (request, reply, done) => {
      if (request.method === 'GET' || request.method === 'HEAD') return done();
      const length = request.headers['content-length'];
      try {
        const release = this.admit(length === undefined ? undefined : Number(length));
        // Not "finish": a caller that goes away never finishes.
        reply.raw.once('close', release);
        done();
      } catch (error) {
        done(error as Error);
      }
    });
  }
}
