export { type EvaluatorConfig, evaluatorConfig } from './config.js';
export { Evaluator, type EvaluatorOptions } from './evaluator.js';
export { buildEvaluatorService } from './evaluator-service.js';
