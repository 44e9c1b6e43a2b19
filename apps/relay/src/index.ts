export { build } from './build.js';
export { type RelayConfig, relayConfig } from './config.js';
