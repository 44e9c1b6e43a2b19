import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Fault, HEALTHY, parseFault } from './faults.js';
import { Instrument, type Reporter } from './instrument.js';

const PRODUCTS = [
  { id: 'kettle', name: 'Kettle', cents: 3900 },
  { id: 'teapot', name: 'Teapot', cents: 5400 },
  { id: 'cup', name: 'Cup', cents: 900 },
];

export const SHOP_SERVICES = ['payment', 'catalog', 'checkout', 'storefront'] as const;
export type ShopService = (typeof SHOP_SERVICES)[number];
/** Base URLs of the services that run already. */
export type Urls = Partial<Record<ShopService, string>>;

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A running service of the shop. */
export interface RunningService {
  url: string;
  stop(): Promise<void>;
}

/** Starts one service of the shop on a free loopback port; a Prometheus may scrape its `/metrics`. */
export async function startShopService(
  name: ShopService,
  urls: Urls,
  reporter: Reporter,
): Promise<RunningService> {
  const instrument = new Instrument(name, reporter);
  const payment = name === 'payment' ? paymentService() : undefined;
  const handlers: Record<ShopService, Handler> = {
    payment: payment?.handle ?? never,
    catalog: catalogHandler,
    checkout: checkoutHandler(urls),
    storefront: storefrontHandler(urls),
  };
  const measured = instrument.wrap(handlers[name]);
  const server = createServer((request, response) => {
    // The control route of the demonstration and the scrapes of a Prometheus are not traffic: they are not measured.
    if (payment && request.url === '/fault') void payment.control(request, response);
    else if (request.url === '/metrics') void expose(instrument, response);
    else measured(request, response);
  });
  await listen(server);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      instrument.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function expose({ metrics }: Instrument, response: ServerResponse): Promise<void> {
  const { text, contentType } = await metrics.exposition();
  response.writeHead(200, { 'content-type': contentType });
  response.end(text);
}

const never: Handler = async () => {
  throw new Error('not this service');
};

/** The part that breaks: takes the money, or does not. */
function paymentService(): { handle: Handler; control: Handler } {
  let fault: Fault = HEALTHY;
  let end: NodeJS.Timeout | undefined;
  const set = (wanted: Fault) => {
    clearTimeout(end);
    fault = wanted;
    if (wanted.seconds === undefined) return;
    end = setTimeout(() => {
      fault = HEALTHY;
    }, wanted.seconds * 1000);
    end.unref();
  };
  return {
    handle: async (_request, response) => {
      if (fault.delayMillis > 0)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * fault.delayMillis));
      if (Math.random() < fault.failRate) return json(response, 503, { error: 'the bank does not answer' });
      json(response, 200, { paid: true });
    },
    control: async (request, response) => {
      try {
        if (request.method === 'PUT') set(parseFault(JSON.parse(await bodyOf(request))));
        json(response, 200, fault);
      } catch (error) {
        json(response, 400, { error: (error as Error).message });
      }
    },
  };
}

const catalogHandler: Handler = async (request, response) => {
  const id = (request.url ?? '').split('/')[2];
  const found = id ? PRODUCTS.find((product) => product.id === id) : PRODUCTS;
  json(response, found ? 200 : 404, found ?? { error: 'no such product' });
};

const checkoutHandler =
  (urls: Urls): Handler =>
  async (_request, response) => {
    const paid = await fetch(`${urls.payment}/payments`, { method: 'POST', body: '{}' });
    await paid.arrayBuffer();
    if (!paid.ok) return json(response, 502, { error: 'payment failed' });
    json(response, 201, { order: crypto.randomUUID() });
  };

const storefrontHandler =
  (urls: Urls): Handler =>
  async (request, response) => {
    const upstream =
      request.method === 'POST'
        ? await fetch(`${urls.checkout}/orders`, { method: 'POST', body: '{}' })
        : await fetch(`${urls.catalog}/products`);
    const text = await upstream.text();
    // A page is served although a part of it failed: the storefront's own SLO is about its pages.
    response.writeHead(upstream.status, { 'content-type': 'application/json' });
    response.end(text);
  };

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
}
