import { type DynamicModule, Module } from '@nestjs/common';
import { AlertDesk } from './alert-desk.js';
import { CommandsController } from './commands.controller.js';
import { IncidentIndex } from './incident-index.js';
import { Incidents } from './incidents.js';
import { LogPool } from './log-pool.js';
import { ReactionHistory } from './reaction-history.js';
import { ReactionsController } from './reactions.controller.js';
import { References } from './references.js';

@Module({})
class IncidentModule {}

/** The handlers of the incident service, given what they work on. */
export function incidentModule(parts: {
  incidents: Incidents;
  index: IncidentIndex;
  pool: LogPool;
  history: ReactionHistory;
  references: References;
}): DynamicModule {
  const { incidents, index, pool, history, references } = parts;
  return {
    module: IncidentModule,
    controllers: [CommandsController, ReactionsController],
    providers: [
      { provide: Incidents, useValue: incidents },
      { provide: IncidentIndex, useValue: index },
      { provide: LogPool, useValue: pool },
      { provide: ReactionHistory, useValue: history },
      { provide: References, useValue: references },
      { provide: AlertDesk, useValue: new AlertDesk(incidents, index) },
    ],
  };
}
