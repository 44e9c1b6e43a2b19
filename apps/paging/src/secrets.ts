import { CommandRefused, type ContactMethod, type EscalationPolicy, type Fault } from '@bellwether/contracts';
import { NOTHING_TO_KEEP, shownSecret, signingSecretFault } from '@bellwether/oncall';
import { open, seal } from '@bellwether/service';

/** Secrets as they enter the log: sealed, from which nothing is ever deleted. */
export class Secrets {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  unseal(sealed: string): string {
    return open(sealed, this.#key);
  }

  /** Methods with their secrets sealed. `sealed` keeps the stored one. @throws CommandRefused 400 */
  ofMethods(given: readonly ContactMethod[], stored: readonly ContactMethod[]): ContactMethod[] {
    return given.map((method, place) => {
      const before = stored.find((each) => each.id === method.id);
      return this.#sealed(method, before?.secret, `contactMethods.${place}.secret`);
    });
  }

  /** A policy with the secrets of its webhook targets sealed. @throws CommandRefused 400 */
  ofPolicy(given: EscalationPolicy, stored: EscalationPolicy | null): EscalationPolicy {
    const known = new Map<string, string>();
    for (const target of stored?.steps.flatMap((step) => step.targets) ?? []) {
      if (target.kind === 'webhook' && target.secret !== undefined) known.set(target.address, target.secret);
    }
    const steps = given.steps.map((step, number) => ({
      ...step,
      targets: step.targets.map((target, place) =>
        target.kind === 'webhook'
          ? this.#sealed(target, known.get(target.address), `steps.${number}.targets.${place}.secret`)
          : target,
      ),
    }));
    return { ...given, steps };
  }

  #sealed<T extends { secret?: string | undefined }>(holder: T, stored: string | undefined, path: string): T {
    const { secret } = holder;
    if (secret === undefined) return holder;
    if (secret === shownSecret) {
      if (stored === undefined) throw refused(path, NOTHING_TO_KEEP);
      return { ...holder, secret: stored };
    }
    // A secret that did not change keeps its sealed form, so that putting the same again is no change.
    if (stored !== undefined && this.#opens(stored, secret)) return { ...holder, secret: stored };
    const fault = signingSecretFault(secret);
    if (fault !== null) throw refused(path, fault);
    return { ...holder, secret: seal(secret, this.#key) };
  }

  #opens(sealed: string, secret: string): boolean {
    try {
      return this.unseal(sealed) === secret;
    } catch {
      return false;
    }
  }
}

function refused(path: string, message: string): CommandRefused {
  const fault: Fault = { path, message };
  return CommandRefused.malformed(`the secret is not valid: ${path} ${message}`, [fault]);
}
