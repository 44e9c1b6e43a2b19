import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { pagingConfig } from './config.js';
import { buildPagingService, SERVICE } from './paging-service.js';

await startService({
  name: SERVICE,
  config: () => loadConfig(pagingConfig),
  build: (context) => buildPagingService(context),
});
