import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { evaluatorConfig } from './config.js';
import { buildEvaluatorService, SERVICE } from './evaluator-service.js';

await startService({
  name: SERVICE,
  config: () => loadConfig(evaluatorConfig),
  build: buildEvaluatorService,
});
