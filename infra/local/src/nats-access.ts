/** Who may do what on the embedded NATS. */
export interface NatsAccess {
  servicesPassword: string;
  /** Password of `publisher` and of `subscriber`. */
  clientsToken: string;
}

/** The accounts and permissions of the embedded NATS, in nats-server's syntax. */
export async function natsConfig({ servicesPassword, clientsToken }: NatsAccess): Promise<string> {
  return `authorization { users = [
    { user: services, password: ${JSON.stringify(servicesPassword)} }
    { user: publisher, password: ${JSON.stringify(clientsToken)}, permissions: { publish: "sli.>", subscribe: "_INBOX.>" } }
    { user: subscriber, password: ${JSON.stringify(clientsToken)}, permissions: { publish: "$JS.API.>", subscribe: ["_INBOX.>"] } }
  ] }`;
}
