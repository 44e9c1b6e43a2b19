import { natsAccessConfig } from '@bellwether/bus';

/** The passwords of the embedded NATS. */
export interface NatsPasswords {
  services: string;
  /** Password of `publisher` and of `subscriber`: the admin token of a local run. */
  clients: string;
}

/** Who may do what on the embedded NATS, in nats-server's syntax. */
export function natsAccess({ services, clients }: NatsPasswords): string {
  return natsAccessConfig({
    services: { user: 'services', password: services },
    publisher: { user: 'publisher', password: clients },
    subscriber: { user: 'subscriber', password: clients },
  });
}
