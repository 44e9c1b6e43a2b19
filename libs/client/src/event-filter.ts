import { type EventEnvelope, fromWireType, Subjects } from '@bellwether/contracts';

const form = /^[a-z][a-z-]*(\.[a-z][a-z-]*)*(\.\*)?$/;

/** Which events a subscriber wants: names (`incident.declared`) and families (`incident.*`); none: all. */
export class EventFilter {
  /** @throws TypeError for what is no name and no family */
  constructor(private readonly types: readonly string[]) {
    for (const type of types) {
      if (!form.test(type))
        throw new TypeError(`not an event name such as incident.declared or incident.*: ${type}`);
    }
  }

  /** Whether it is the whole log, in which positions are dense. */
  get isWholeLog(): boolean {
    return this.types.length === 0;
  }

  /** The subject of the durable. Servers before 2.10 take one filter: several types are filtered here instead. */
  get subject(): string {
    const [only, ...more] = this.types;
    if (only === undefined || more.length > 0) return Subjects.allEvents;
    return only.endsWith('.*') ? `evt.${only.slice(0, -1)}>` : Subjects.event(only, '>');
  }

  /** The same for `GET /v1/events?type=`. */
  get query(): string | undefined {
    return this.types.length === 0 ? undefined : this.types.join(',');
  }

  matches(event: Pick<EventEnvelope, 'type'>): boolean {
    if (this.types.length === 0) return true;
    const { type } = fromWireType(event.type);
    return this.types.some((wanted) =>
      wanted.endsWith('.*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted,
    );
  }
}
