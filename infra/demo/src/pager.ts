import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PageNotification } from '@bellwether/contracts';
import { Webhook } from 'standardwebhooks';

/** A page that arrived at somebody's webhook, its signature checked. */
export interface ReceivedPage {
  person: string;
  webhookId: string;
  notification: PageNotification;
}

/** A webhook receiver for each person of the demo: `<url>/<person>`. Refuses what is not signed with `secret`. */
export async function startPager(
  secret: string,
  onPage: (page: ReceivedPage) => void,
): Promise<{ url: string; stop(): Promise<void> }> {
  const webhook = new Webhook(secret);
  const seen = new Set<string>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    try {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k, String(v)]));
      const notification = webhook.verify(body, headers) as PageNotification;
      const webhookId = headers['webhook-id'] ?? '';
      // At least once: the same id is the same page, however often it arrives.
      if (!seen.has(webhookId)) {
        seen.add(webhookId);
        onPage({ person: (request.url ?? '/').slice(1), webhookId, notification });
      }
      response.writeHead(204).end();
    } catch {
      response.writeHead(401).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
