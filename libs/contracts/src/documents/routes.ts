import type { Route } from './route.js';
import { backtestRoutes } from './routes/backtests.js';
import { correctionRoutes } from './routes/corrections.js';
import { gateRoutes } from './routes/gate.js';
import { incidentRoutes } from './routes/incidents.js';
import { ingestRoutes } from './routes/ingest.js';
import { accessRoutes, logRoutes, operationRoutes } from './routes/log.js';
import { onCallRoutes } from './routes/on-call.js';
import { reportRoutes } from './routes/reports.js';
import { resourceRoutes } from './routes/resources.js';
import { ruleRoutes } from './routes/rules.js';

/**
 * Every HTTP route there is, by operation id. Servers take method, path, roles and validation from here, OpenAPI is
 * made from here, and tests walk it: the three cannot disagree.
 */
export const routes = {
  ...resourceRoutes,
  ...ruleRoutes,
  ...correctionRoutes,
  ...backtestRoutes,
  ...gateRoutes,
  ...reportRoutes,
  ...incidentRoutes,
  ...onCallRoutes,
  ...logRoutes,
  ...accessRoutes,
  ...operationRoutes,
  ...ingestRoutes,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;

/** The route of an operation id. */
export const routeOf = (name: RouteName): Route => routes[name];
