import { loadConfig, startService } from '@bellwether/service';
import { build } from './build.js';
import { relayConfig } from './config.js';

await startService({ name: 'relay', config: () => loadConfig(relayConfig), build });
