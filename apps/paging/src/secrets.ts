import { CommandRefused, type ContactMethod, type EscalationPolicy, type Fault } from '@bellwether/contracts';
import { shownSecret } from '@bellwether/oncall';
import { isSealed, open, seal } from '@bellwether/service';

const longestSecret = 256;
/** Of a secret that signs, as Standard Webhooks asks. */
const leastBytes = 24;

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
      if (stored === undefined) throw refused(path, 'no secret is stored that could be kept');
      return { ...holder, secret: stored };
    }
    // A secret that did not change keeps its sealed form, so that putting the same again is no change.
    if (stored !== undefined && this.#opens(stored, secret)) return { ...holder, secret: stored };
    if (isSealed(secret))
      throw refused(path, 'must be the secret itself, or "sealed" to keep the stored one');
    if (!isSigningSecret(secret)) {
      throw refused(
        path,
        'must be a Standard Webhooks secret: whsec_ and the base64 of 24 to 64 random bytes (openssl rand -base64 32)',
      );
    }
    const sealed = seal(secret, this.#key);
    if (sealed.length > longestSecret) throw refused(path, 'is too long');
    return { ...holder, secret: sealed };
  }

  #opens(sealed: string, secret: string): boolean {
    try {
      return this.unseal(sealed) === secret;
    } catch {
      return false;
    }
  }
}

/** What is to be said of secrets that sign, but that can be guessed. @param given secrets as they were sent */
export function secretWarnings(given: readonly { path: string; secret?: string | undefined }[]): string[] {
  return given.flatMap(({ path, secret }) => {
    if (secret === undefined || secret === shownSecret || !isSigningSecret(secret)) return [];
    const bytes = Buffer.from(encodedPart(secret), 'base64').length;
    if (bytes >= leastBytes) return [];
    return [
      `${path} has ${bytes} bytes, which can be guessed: Standard Webhooks asks for ${leastBytes} to 64 random ones (openssl rand -base64 32)`,
    ];
  });
}

const encodedPart = (secret: string): string => secret.replace(/^whsec_/, '');

function isSigningSecret(secret: string): boolean {
  const encoded = encodedPart(secret);
  return /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded);
}

function refused(path: string, message: string): CommandRefused {
  const fault: Fault = { path, message };
  return CommandRefused.malformed(`the secret is not valid: ${path} ${message}`, [fault]);
}
