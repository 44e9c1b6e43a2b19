import { type EscalationTarget, httpUrl, resourceName } from '@bellwether/contracts';
import { serviceConfig } from '@bellwether/service';
import { z } from 'zod';

const fallbackTarget = z.string().transform((text, context): EscalationTarget => {
  const [kind, name] = text.split(':', 2);
  if ((kind === 'user' || kind === 'schedule') && resourceName.safeParse(name).success) {
    return { kind, name: name as string };
  }
  if (httpUrl.safeParse(text).success) return { kind: 'webhook', address: text };
  context.addIssue({ code: 'custom', message: 'is not a target' });
  return z.NEVER;
});

/** What the paging service is told by its environment, besides what every service knows. */
export const pagingConfig = serviceConfig.extend({
  BELLWETHER_SECRET_KEY: serviceConfig.shape.BELLWETHER_SECRET_KEY.unwrap(),
  BELLWETHER_DEFAULT_POLICY: resourceName
    .default('default')
    .describe('the escalation policy of incidents whose SLO and service name none'),
  BELLWETHER_FALLBACK_TARGET: fallbackTarget
    .optional()
    .describe('who is paged when a policy ran out: user:<name>, schedule:<name> or a webhook URL'),
  BELLWETHER_WEBHOOK_PRIVATE_ADDRESSES: z
    .enum(['allow', 'refuse'])
    .default('allow')
    .describe('whether webhooks may call loopback and private addresses: allow or refuse'),
  BELLWETHER_ACKNOWLEDGE_LINK_HOURS: z.coerce
    .number()
    .positive()
    .max(24 * 30)
    .default(24)
    .describe('how many hours the acknowledge link of a page is good for'),
});

export type PagingConfig = z.infer<typeof pagingConfig>;
