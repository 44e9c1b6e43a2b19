import { type DynamicModule, Module } from '@nestjs/common';
import { Definitions } from './definitions/definitions.js';
import { EvaluatorController } from './evaluator.controller.js';
import { GateController } from './gate/gate.controller.js';
import { GateRecord } from './gate/gate-record.js';
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
}): DynamicModule {
  return {
    module: EvaluatorModule,
    controllers: [EvaluatorController, GateController],
    providers: [
      { provide: Definitions, useValue: parts.definitions },
      { provide: StatusReader, useValue: parts.statuses },
      { provide: SeriesStore, useValue: parts.store },
      { provide: GateRecord, useValue: parts.gate },
    ],
  };
}
