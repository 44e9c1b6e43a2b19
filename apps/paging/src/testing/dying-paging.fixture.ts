// The paging service as a process of its own that, once told to, ends itself as by kill -9 at one step of a page.
import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { pagingConfig } from '../config.js';
import { buildPagingService, SERVICE } from '../paging-service.js';

let dieAt: string | undefined;
process.on('message', (message: { dieAt: string }) => {
  dieAt = message.dieAt;
  process.send?.({ type: 'armed' });
});

await startService({
  name: SERVICE,
  config: loadConfig(pagingConfig),
  build: (context) =>
    buildPagingService(context, {
      onStep: (reached) => {
        if (reached === dieAt) process.kill(process.pid, 'SIGKILL');
      },
    }),
});
