import { type Fault, type Problem, problemOf } from '@bellwether/contracts';

/** What refusals are counted under: few values, known beforehand. */
export type RefusalReason = 'malformed' | 'schema' | 'too-large' | 'time' | 'unknown-sli' | 'identity-reused';

const answers: Record<RefusalReason, [status: number, slug: string]> = {
  malformed: [400, 'malformed'],
  schema: [400, 'malformed'],
  time: [422, 'refused'],
  'unknown-sli': [422, 'unknown-sli'],
  'identity-reused': [409, 'identity-reused'],
  'too-large': [413, 'too-large'],
};

/** Why a message is refused: HTTP answers it as a problem, NATS as a dead letter with the first fault. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly reason: RefusalReason,
    /** At least one; a path is empty where the fault is of the message as a whole. */
    readonly faults: readonly [Fault, ...Fault[]],
  ) {
    super(said(faults[0]));
  }

  /** The body, the event or the address is not what it has to be. */
  static malformed(message: string, path = ''): Refusal {
    return new Refusal('malformed', [{ path, message }]);
  }

  static tooLarge(message: string): Refusal {
    return new Refusal('too-large', [{ path: '', message }]);
  }

  static unknownSli(service: string, sli: string): Refusal {
    const message = `the SLI ${service}/${sli} is not defined, and this installation is strict: define it first`;
    return new Refusal('unknown-sli', [{ path: '', message }]);
  }

  static identityReused(): Refusal {
    const message =
      'this identity was recorded with other content; a new measurement needs an identity of its own';
    return new Refusal('identity-reused', [{ path: '', message }]);
  }

  /** Where the first fault is: `points.3.good`; empty when it is the message as a whole. */
  get path(): string {
    return this.faults[0].path;
  }

  /** What HTTP answers. */
  get problem(): Problem {
    const [status, slug] = answers[this.reason];
    return problemOf(status, slug, this.message, [...this.faults]);
  }

  /** The same refusal, of something that stands within `place`: `data` of an event, an event's index in a batch. */
  within(place: string): Refusal {
    const inside = ({ path, message }: Fault): Fault => ({
      path: path === '' ? place : `${place}.${path}`,
      message,
    });
    const [first, ...rest] = this.faults;
    return new Refusal(this.reason, [inside(first), ...rest.map(inside)]);
  }
}

function said({ path, message }: Fault): string {
  return path === '' ? message : `${path} ${message}`;
}
