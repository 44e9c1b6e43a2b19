export { incidentConfig } from './config.js';
export { buildIncidentService } from './incident-service.js';
