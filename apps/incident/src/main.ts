import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { incidentConfig } from './config.js';
import { buildIncidentService, SERVICE } from './incident-service.js';

const config = loadConfig(incidentConfig);
await startService({ name: SERVICE, config, build: buildIncidentService });
