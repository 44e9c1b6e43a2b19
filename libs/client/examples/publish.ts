import { publishOverNats } from '@bellwether/client';

const measurements = await publishOverNats({
  // Without credentials NATS refuses the connection: an AuthorizationError, at once.
  servers: process.env.NATS_URL ?? `nats://publisher:${process.env.BELLWETHER_TOKEN}@127.0.0.1:4222`,
  source: '/shop/checkout',
  acknowledge: 'log', // 'broker' is faster, and hears of refusals only on dlq.sli.>
});

// Deltas since the last report. Resolves when they are committed to Bellwether's log; waits while too much is held.
await measurements.publish('checkout', 'availability', { good: 998, total: 1000 });

// On a request's path: never waits. False means that there was no room and the point was dropped. A value is in the unit of
// its SLI, here seconds.
measurements.record('checkout', 'latency', { value: 0.183, labels: { region: 'eu' } });

const unacknowledged = await measurements.close();
console.log(`published, ${unacknowledged} points left`);
