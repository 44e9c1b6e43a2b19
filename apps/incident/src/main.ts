import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { incidentConfig } from './config.js';
import { buildIncidentService, SERVICE } from './incident-service.js';

await startService({ name: SERVICE, config: () => loadConfig(incidentConfig), build: buildIncidentService });
