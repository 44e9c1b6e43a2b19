import { parsed } from '../json-text.js';

/** What is shown in place of a secret that is there. */
const SEALED = 'sealed';

type Shape = Record<string, unknown>;

const sealed = (value: unknown): unknown =>
  isShape(value) && typeof value.secret === 'string' ? { ...value, secret: SEALED } : value;

const isShape = (value: unknown): value is Shape =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const eachOf = (value: unknown, change: (item: unknown) => unknown): unknown =>
  Array.isArray(value) ? value.map(change) : value;

/** How to show the data of each event that may hold a secret. Whoever adds such an event adds it here. */
const SHOWN: Record<string, (data: Shape) => Shape> = {
  'user.defined': (data) => ({ ...data, contactMethods: eachOf(data.contactMethods, sealed) }),
  'policy.defined': (data) => ({
    ...data,
    steps: eachOf(data.steps, (step) =>
      isShape(step) ? { ...step, targets: eachOf(step.targets, sealed) } : step,
    ),
  }),
  'page.requested': (data) => ({ ...data, intents: eachOf(data.intents, sealed) }),
  'page.failed': (data) => (data.failover ? { ...data, failover: sealed(data.failover) } : data),
  'token.created': (data) => ({ ...data, hash: 'hidden' }),
};

/** The data of an event without its secrets, which nobody outside is shown, sealed or not. */
export function withoutSecrets(type: string, data: unknown): unknown {
  const shown = SHOWN[type];
  if (shown === undefined) return data;
  const value = parsed(data);
  return isShape(value) ? shown(value) : data;
}
