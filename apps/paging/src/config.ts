import { installationTargets, serviceConfig } from '@bellwether/service/config';
import { z } from 'zod';

/** What the paging service is told by its environment, besides what every service knows. */
export const pagingConfig = serviceConfig.extend({
  ...installationTargets,
  BELLWETHER_SECRET_KEY: serviceConfig.shape.BELLWETHER_SECRET_KEY.unwrap(),
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
