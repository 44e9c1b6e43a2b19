import type { Clock } from '@bellwether/contracts';
import { EventLog } from '@bellwether/event-log';
import type { DynamicModule } from '@nestjs/common';
import { ChangesController } from './changes.controller.js';
import { CLOCK } from './clock.token.js';
import { IngestMetrics } from './ingest-metrics.js';
import { MeasurementsController } from './measurements.controller.js';
import { Recorder } from './recorder.js';

/** The HTTP of ingest, on parts that its process made. */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest's way to name a module
export class IngestModule {
  static with(parts: {
    log: EventLog;
    recorder: Recorder;
    metrics: IngestMetrics;
    clock: Clock;
  }): DynamicModule {
    return {
      module: IngestModule,
      controllers: [MeasurementsController, ChangesController],
      providers: [
        { provide: EventLog, useValue: parts.log },
        { provide: Recorder, useValue: parts.recorder },
        { provide: IngestMetrics, useValue: parts.metrics },
        { provide: CLOCK, useValue: parts.clock },
      ],
    };
  }
}
