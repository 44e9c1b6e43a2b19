import { LogStreams, type Service } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';

/** Who is paged where neither an incident nor its services say so. */
export interface InstallationTargets {
  /** Name of the policy for what no other covers; it need not exist. */
  defaultPolicy: string;
  /** Whether somebody is paged when a policy ran out, or when there is none. */
  hasFallback: boolean;
}

/**
 * Looks up what a command names, for its warnings. An incident is never refused over a name: what is not defined may
 * be just what has failed, and who is not known may be just who can help.
 */
export class References {
  constructor(
    private readonly log: Pick<EventLog, 'readStream' | 'streamVersion'>,
    private readonly targets: InstallationTargets,
  ) {}

  async ofUser(name: string): Promise<string[]> {
    return (await this.#isThere(LogStreams.user(name))) ? [] : [`user ${name} is not defined yet`];
  }

  async ofService(name: string): Promise<string[]> {
    return (await this.#isThere(LogStreams.service(name))) ? [] : [`service ${name} is not defined yet`];
  }

  /** Of a new incident: what it names that there is not, and whether nobody will be paged for it. */
  async ofDeclaration(declared: {
    services: readonly string[];
    escalationPolicy?: string | undefined;
  }): Promise<string[]> {
    const services = [...new Set(declared.services)];
    const unknown = await Promise.all(services.map((name) => this.ofService(name)));
    const own = declared.escalationPolicy;
    const ownMissing = own !== undefined && !(await this.#isThere(LogStreams.policy(own)));
    return [
      ...unknown.flat(),
      ...(ownMissing ? [`policy ${own} is not defined yet`] : []),
      ...((await this.#somebodyIsPaged(services, own)) ? [] : [this.#nobody(services)]),
    ];
  }

  async #somebodyIsPaged(services: readonly string[], own: string | undefined): Promise<boolean> {
    if (this.targets.hasFallback) return true;
    const named = await Promise.all(services.map((name) => this.#policyOf(name)));
    const policies = [own, ...named, this.targets.defaultPolicy].filter((name) => name !== undefined);
    const found = await Promise.all(policies.map((name) => this.#isThere(LogStreams.policy(name))));
    return found.includes(true);
  }

  #nobody(services: readonly string[]): string {
    const whose = services.length === 0 ? 'the incident names no service' : 'no escalation policy covers it';
    return (
      `nobody is paged: ${whose}, and there is no policy "${this.targets.defaultPolicy}"; ` +
      'tell people yourself, and give the service an escalationPolicy or define that policy'
    );
  }

  async #policyOf(service: string): Promise<string | undefined> {
    const events = await this.log.readStream(LogStreams.service(service));
    const last = events.findLast(({ type }) => type === 'service.defined');
    return (last?.data as Service | undefined)?.escalationPolicy;
  }

  async #isThere(stream: string): Promise<boolean> {
    return (await this.log.streamVersion(stream)) > 0;
  }
}
