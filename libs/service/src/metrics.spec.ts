import { expect, test } from '@jest/globals';
import { Metrics } from './metrics.js';

test('what consumers report is shown by consumer', async () => {
  const metrics = new Metrics('paging', { processMetrics: false });
  metrics.consumers.lag('paging', 7);
  metrics.consumers.redelivered('paging', 2);
  metrics.consumers.deadLettered('paging', 1);
  metrics.consumers.halted('paging', true);
  const shown = await metrics.registry.metrics();
  expect(shown.split('\n').filter((line) => line.includes('consumer="paging"'))).toEqual([
    'dead_letters_total{consumer="paging",service="paging"} 1',
    'redeliveries_total{consumer="paging",service="paging"} 2',
    'event_consumer_lag_events{consumer="paging",service="paging"} 7',
    'event_consumer_halted{consumer="paging",service="paging"} 1',
  ]);
  metrics.consumers.halted('paging', false);
  expect(await metrics.registry.metrics()).toContain(
    'event_consumer_halted{consumer="paging",service="paging"} 0',
  );
});
