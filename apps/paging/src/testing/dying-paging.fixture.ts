// The paging service as a process of its own that, once told to, ends itself as by kill -9 at one step of a page, or
// stops there until it is continued.
import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { pagingConfig } from '../config.js';
import { buildPagingService, SERVICE } from '../paging-service.js';

let dieAt: string | undefined;
let how: NodeJS.Signals = 'SIGKILL';
process.on('message', (message: { dieAt: string; how: NodeJS.Signals }) => {
  ({ dieAt, how } = message);
  process.send?.({ type: 'armed' });
});

await startService({
  name: SERVICE,
  config: loadConfig(pagingConfig),
  build: (context) =>
    buildPagingService(context, {
      onStep: (reached) => {
        if (reached !== dieAt) return;
        dieAt = undefined;
        if (how === 'SIGSTOP') process.send?.({ type: 'hangs' });
        process.kill(process.pid, how);
      },
    }),
});
