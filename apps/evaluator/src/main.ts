import 'reflect-metadata';
import { loadConfig, startService } from '@bellwether/service';
import { evaluatorConfig } from './config.js';
import { buildEvaluatorService, SERVICE } from './evaluator-service.js';

const config = loadConfig(evaluatorConfig);
await startService({ name: SERVICE, config, build: buildEvaluatorService });
