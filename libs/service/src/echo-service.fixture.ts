// A service as a process of its own, for tests of its life: node echo-service.fixture.ts
import { loadConfig, serviceConfig } from './config.js';
import { startService } from './service.js';

await startService({
  name: 'echo',
  config: () => loadConfig(serviceConfig),
  build: async ({ logger, fail }) => {
    process.on('message', (message) => {
      if (message === 'fail') fail(new Error('the disk is gone'));
      if (message === 'throw') setImmediate(() => Promise.reject(new Error('nobody caught this')));
    });
    return {
      ready: async () => null,
      close: async () => logger.info('closed'),
    };
  },
});
