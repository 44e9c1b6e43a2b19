export { freePort } from '@bellwether/local';
export { createDatabase, type TestDatabase } from './database.js';
export { eventually } from './eventually.js';
export { closeGuard, guard } from './guard.js';
export { startNats, type TestNats, type TestNatsOptions } from './nats.js';
export { startOwnPostgres, startPostgres, type TestPostgres, type TestPostgresOptions } from './postgres.js';
export { type ForkSourceOptions, forkSource } from './source-process.js';
export { temporaryFolder } from './temporary-folder.js';
export { type Answer, type ReceivedRequest, WebhookReceiver } from './webhook-receiver.js';
