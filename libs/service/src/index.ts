export { AdminServer, type Health } from './admin-server.js';
export { AuthGuard, Caller, Public, principalOf, Roles } from './auth.guard.js';
export { encodingFault } from './body-encoding.js';
export { clockFromEnvironment, OffsetClock } from './clock.js';
export {
  ConfigError,
  installationTargets,
  loadConfig,
  publicUrl,
  type ServiceConfig,
  serviceConfig,
} from './config.js';
export { ContextInterceptor } from './context.interceptor.js';
export { createApplication, type HttpOptions } from './http-application.js';
export { depthExceeds, parseJson } from './json-body.js';
export { keyedCommandId } from './keyed-command.js';
export { LatestTokens } from './latest-tokens.js';
export { createLogger, type Logger, NestLog } from './logger.js';
export { Metrics } from './metrics.js';
export { ProblemFilter } from './problem.filter.js';
export { answerTo, type ErrorAnswer, HttpProblem } from './problem.js';
export {
  acceptCorrelationId,
  acceptTraceparent,
  type RequestContext,
  requestContext,
} from './request-context.js';
export { isSealed, open, SealBroken, seal } from './secret-seal.js';
export {
  type RunningService,
  runService,
  type ServiceContext,
  type ServiceDefinition,
  type ServiceParts,
  startService,
} from './service.js';
export { hashToken, may, mintToken, type Principal, TokenAuthority } from './token-authority.js';
export { noTracing, startTracing, type Tracing } from './tracing.js';
export { Upkeep, type UpkeepOptions } from './upkeep.js';
export { ZodBody } from './zod-body.pipe.js';
