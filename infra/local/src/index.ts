export { within } from './deadline.js';
export { type Exit, Guard, type GuardedCommand, GuardedProcess } from './guard.js';
export { findNatsServer } from './nats-binary.js';
export { type NatsOptions, NatsServer } from './nats-server.js';
export { accepts, freePort, isPortFree } from './ports.js';
export { installedBinaries, type PostgresBinaries, reachableBinaries } from './postgres-binaries.js';
export { type PostgresOptions, PostgresServer } from './postgres-server.js';
export { canReach, type UnprivilegedUser, unprivilegedUser } from './unprivileged-user.js';
