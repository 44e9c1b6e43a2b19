export * from './asyncapi.js';
export * from './compatibility.js';
export * from './json-schema.js';
export * from './openapi.js';
export * from './route.js';
export * from './routes.js';
export * from './views.js';
