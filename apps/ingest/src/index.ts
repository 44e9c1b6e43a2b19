export { build } from './build.js';
export { type IngestConfig, ingestConfig } from './config.js';
