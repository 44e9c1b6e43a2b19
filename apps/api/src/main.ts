import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { buildApiService, SERVICE } from './api-service.js';
import { apiConfig } from './config.js';

await startService({
  name: SERVICE,
  config: () => loadConfig(apiConfig),
  build: (context) => buildApiService(context),
});
