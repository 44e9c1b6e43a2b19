import { publishOverHttp } from '@bellwether/client';

const measurements = publishOverHttp({
  url: process.env.BELLWETHER_INGEST_URL ?? 'http://127.0.0.1:8081',
  token: process.env.BELLWETHER_TOKEN ?? '',
  source: '/shop/checkout',
  // Of a token that is not known (yet) too: the measurements are kept meanwhile.
  onRetry: ({ service, sli, attempt, error }) =>
    console.error(`${service}/${sli}, attempt ${attempt}: ${error.name}: ${error.message}`),
});

await measurements.publish('checkout', 'availability', [
  { at: new Date().toISOString(), bad: 2, total: 1000 },
  { at: new Date().toISOString(), bad: 0, total: 950 },
]);
await measurements.publish('checkout', 'latency', {
  buckets: [
    [0.1, 912],
    [0.5, 80],
    ['+Inf', 8],
  ],
});

const unacknowledged = await measurements.close();
console.log(`published, ${unacknowledged} points left`);
