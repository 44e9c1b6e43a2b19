import { loadConfig, startService } from '@bellwether/service';
import { build } from './build.js';
import { ingestConfig } from './config.js';

await startService({ name: 'ingest', config: () => loadConfig(ingestConfig), build });
