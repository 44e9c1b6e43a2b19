import type { EscalationPolicy, Fault, User } from '@bellwether/contracts';
import { shownSecret } from './redaction.js';

/** Bytes of a secret that cannot be guessed, as Standard Webhooks asks. */
const LEAST_BYTES = 24;
/** Characters: sealed, it is still within what a stored secret may have. */
const MOST_CHARACTERS = 156;
/** What a secret begins with once it is sealed. */
const SEALED_PREFIX = 'sealed:';

/** What is said of `sealed` where there is nothing to keep. */
export const NOTHING_TO_KEEP = 'no secret is stored that could be kept';

/** A secret as it is given, and where. */
export interface PlacedSecret {
  /** Field, dots and indexes. */
  path: string;
  /** What it belongs to, within the resource: `sealed` keeps the secret of the same one. */
  holder: string;
  secret: string | undefined;
}

export const secretsOfUser = ({ contactMethods }: User): PlacedSecret[] =>
  contactMethods.map(({ id, secret }, place) => ({
    path: `contactMethods.${place}.secret`,
    holder: id,
    secret,
  }));

export const secretsOfPolicy = ({ steps }: EscalationPolicy): PlacedSecret[] =>
  steps.flatMap(({ targets }, step) =>
    targets.flatMap((target, place) =>
      target.kind === 'webhook'
        ? [
            {
              path: `steps.${step}.targets.${place}.secret`,
              holder: target.address,
              secret: target.secret,
            },
          ]
        : [],
    ),
  );

/**
 * What is wrong with a secret by itself; null: nothing. It signs webhooks as Standard Webhooks says
 * (https://www.standardwebhooks.com): base64, with `whsec_` before it or without.
 */
export function signingSecretFault(secret: string): string | null {
  if (secret === shownSecret) return null;
  if (secret.startsWith(SEALED_PREFIX))
    return `must be the secret itself, or "${shownSecret}" to keep the stored one`;
  if (!/^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encodedPart(secret)))
    return `must be a Standard Webhooks secret: whsec_ and the base64 of ${LEAST_BYTES} to 64 random bytes (openssl rand -base64 32)`;
  return secret.length > MOST_CHARACTERS ? 'is too long' : null;
}

/** What is wrong with secrets, each by itself. */
export const secretFaults = (given: readonly PlacedSecret[]): Fault[] =>
  given.flatMap(({ path, secret }) => {
    const message = secret === undefined ? null : signingSecretFault(secret);
    return message === null ? [] : [{ path, message }];
  });

/** Secrets that are to stay as they are where none is stored. */
export function unkeptSecrets(given: readonly PlacedSecret[], stored: readonly PlacedSecret[]): Fault[] {
  const kept = new Set(stored.flatMap(({ holder, secret }) => (secret === undefined ? [] : [holder])));
  return given
    .filter(({ holder, secret }) => secret === shownSecret && !kept.has(holder))
    .map(({ path }) => ({ path, message: NOTHING_TO_KEEP }));
}

/** What is to be said of secrets that sign, but that can be guessed. */
export const secretWarnings = (given: readonly PlacedSecret[]): string[] =>
  given.flatMap(({ path, secret }) => {
    if (secret === undefined || secret === shownSecret || signingSecretFault(secret) !== null) return [];
    const bytes = bytesOf(encodedPart(secret));
    return bytes >= LEAST_BYTES
      ? []
      : [
          `${path} has ${bytes} bytes, which can be guessed: Standard Webhooks asks for ${LEAST_BYTES} to 64 random ones (openssl rand -base64 32)`,
        ];
  });

const encodedPart = (secret: string): string => secret.replace(/^whsec_/, '');
const bytesOf = (base64: string): number => Math.floor((base64.replace(/=+$/, '').length * 3) / 4);
