export { type ApiSettings, buildApiService, SERVICE } from './api-service.js';
export { type ApiConfig, apiConfig } from './config.js';
