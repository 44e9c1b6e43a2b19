export { type PagingConfig, pagingConfig } from './config.js';
export { buildPagingService, type PagingOptions, SERVICE } from './paging-service.js';
export type { OnPagingStep, PagingStep } from './steps.js';
