import { type DynamicModule, Module } from '@nestjs/common';
import { CorrectionRecord } from './corrections/correction-record.js';
import { CorrectionsController } from './corrections/corrections.controller.js';
import { Definitions } from './definitions/definitions.js';
import { RuleDefinitions } from './definitions/rule-definitions.js';
import { EvaluatorController } from './evaluator.controller.js';
import { GateController } from './gate/gate.controller.js';
import { GateRecord } from './gate/gate-record.js';
import { RulesController } from './rules.controller.js';
import { RuleReader } from './status/rule-reader.js';
import { SignalReader } from './status/signal-reader.js';
import { StatusReader } from './status/status-reader.js';
import { SeriesStore } from './store/series-store.js';

@Module({})
class EvaluatorModule {}

/** The handlers of the evaluator, given what they work on. */
export function evaluatorModule(parts: {
  definitions: Definitions;
  statuses: StatusReader;
  store: SeriesStore;
  gate: GateRecord;
  ruleDefinitions: RuleDefinitions;
  rules: RuleReader;
  signals: SignalReader;
  corrections: CorrectionRecord;
}): DynamicModule {
  return {
    module: EvaluatorModule,
    controllers: [EvaluatorController, GateController, RulesController, CorrectionsController],
    providers: [
      { provide: Definitions, useValue: parts.definitions },
      { provide: StatusReader, useValue: parts.statuses },
      { provide: SeriesStore, useValue: parts.store },
      { provide: GateRecord, useValue: parts.gate },
      { provide: RuleDefinitions, useValue: parts.ruleDefinitions },
      { provide: RuleReader, useValue: parts.rules },
      { provide: SignalReader, useValue: parts.signals },
      { provide: CorrectionRecord, useValue: parts.corrections },
    ],
  };
}
