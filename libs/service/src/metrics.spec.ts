import { expect, test } from '@jest/globals';
import { Metrics } from './metrics.js';

test('what the bus reports is shown by consumer', async () => {
  const metrics = new Metrics('paging', { processMetrics: false });
  metrics.bus.lag('paging', 7);
  metrics.bus.redelivered('paging', 2);
  metrics.bus.deadLettered('paging', 1);
  metrics.bus.halted('paging', true);
  const shown = await metrics.registry.metrics();
  expect(shown.split('\n').filter((line) => line.includes('consumer="paging"'))).toEqual([
    'dead_letters_total{consumer="paging",service="paging"} 1',
    'redeliveries_total{consumer="paging",service="paging"} 2',
    'event_consumer_lag{consumer="paging",service="paging"} 7',
    'event_consumer_halted{consumer="paging",service="paging"} 1',
  ]);
  metrics.bus.halted('paging', false);
  expect(await metrics.registry.metrics()).toContain(
    'event_consumer_halted{consumer="paging",service="paging"} 0',
  );
});
