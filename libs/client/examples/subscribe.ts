import { positionInFile, subscribe } from '@bellwether/client';

const subscription = await subscribe({
  servers: process.env.NATS_URL ?? `nats://subscriber:${process.env.BELLWETHER_TOKEN}@127.0.0.1:4222`,
  durable: 'pager-bridge',
  types: ['incident.*', 'page.requested'],
  api: {
    url: process.env.BELLWETHER_URL ?? 'http://127.0.0.1:8080',
    token: process.env.BELLWETHER_TOKEN ?? '',
  },
  position: positionInFile(process.env.POSITION_FILE ?? 'pager-bridge.position'),
  from: 'beginning',
  onEvent: async (event) => {
    // At least once: what is done here should be the same when done twice, for instance keyed by event.id.
    console.log(`${event.position} ${event.type} ${event.subject}`);
  },
  onError: (error) => console.error(`trying again: ${error.message}`),
});

process.once('SIGTERM', () => void subscription.stop());
