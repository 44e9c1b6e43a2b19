import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { pagingConfig } from './config.js';
import { buildPagingService, SERVICE } from './paging-service.js';

const config = loadConfig(pagingConfig);
await startService({ name: SERVICE, config, build: (context) => buildPagingService(context) });
