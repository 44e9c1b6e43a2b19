export * from './final-schedule.js';
export * from './open-hours.js';
export * from './override.js';
export * from './rotation.js';
export * from './schedule.js';
export * from './span.js';
export * from './wall-clock.js';
