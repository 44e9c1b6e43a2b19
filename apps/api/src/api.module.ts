import { TokenAuthority } from '@bellwether/service';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ApiClock } from './api-clock.js';
import { BacktestJobs } from './backtest/backtest-jobs.js';
import { Backtests } from './backtest/backtests.js';
import { CommandGateway } from './commands/gateway.js';
import { Writer } from './commands/writer.js';
import { AccessController } from './controllers/access.controller.js';
import { AcknowledgeController } from './controllers/acknowledge.controller.js';
import { BacktestsController } from './controllers/backtests.controller.js';
import { CorrectionsController } from './controllers/corrections.controller.js';
import { DocumentsController } from './controllers/documents.controller.js';
import { GateController } from './controllers/gate.controller.js';
import { IncidentsController } from './controllers/incidents.controller.js';
import { LogController } from './controllers/log.controller.js';
import { OnCallController } from './controllers/on-call.controller.js';
import { PagesController } from './controllers/pages.controller.js';
import { ReportsController } from './controllers/reports.controller.js';
import { ResourcesController } from './controllers/resources.controller.js';
import { RulesController } from './controllers/rules.controller.js';
import { SystemController } from './controllers/system.controller.js';
import { Documents } from './documents/documents.js';
import { DocumentsGuard } from './documents/documents-guard.js';
import { Explainer } from './explain/explainer.js';
import { GateReader } from './gate/gate-reader.js';
import { AcknowledgeLinks } from './links/acknowledge-links.js';
import { ControlTail } from './log/control-tail.js';
import { EventStream } from './log/event-stream.js';
import { Buckets } from './operation/buckets.js';
import { DeadLetters } from './operation/dead-letters.js';
import { System } from './operation/system.js';
import { CorrectionStore } from './read/correction-store.js';
import { EventStore } from './read/event-store.js';
import { GateStore } from './read/gate-store.js';
import { IncidentBudgets } from './read/incident-budgets.js';
import { IncidentEvents } from './read/incident-events.js';
import { IncidentStore } from './read/incident-store.js';
import { OnCallStore } from './read/on-call-store.js';
import { PageStore } from './read/page-store.js';
import { PrometheusRulesReader } from './read/prometheus-rules-reader.js';
import { ReadModels } from './read/read-models.js';
import { ResourceReader } from './read/resource-reader.js';
import { ResourceStore } from './read/resource-store.js';
import { SloAlertStore } from './read/slo-alert-store.js';
import { TokenStore } from './read/token-store.js';
import { ReportReader } from './reports/report-reader.js';
import { AnswerInterceptor } from './routing/answer.js';
import { AsOfInterceptor } from './routing/as-of.js';

@Module({})
class ApiModule {}

/** What the handlers work on. */
const PARTS = {
  clock: ApiClock,
  authority: TokenAuthority,
  gateway: CommandGateway,
  writer: Writer,
  models: ReadModels,
  resources: ResourceStore,
  resourceReader: ResourceReader,
  prometheusRules: PrometheusRulesReader,
  incidents: IncidentStore,
  incidentEvents: IncidentEvents,
  incidentBudgets: IncidentBudgets,
  pages: PageStore,
  corrections: CorrectionStore,
  gateStore: GateStore,
  gate: GateReader,
  sloAlerts: SloAlertStore,
  reports: ReportReader,
  backtestJobs: BacktestJobs,
  backtests: Backtests,
  onCall: OnCallStore,
  events: EventStore,
  tokens: TokenStore,
  explainer: Explainer,
  tail: ControlTail,
  stream: EventStream,
  links: AcknowledgeLinks,
  documents: Documents,
  buckets: Buckets,
  deadLetters: DeadLetters,
  system: System,
} as const satisfies Record<string, Type<unknown> | (abstract new (...args: never) => unknown)>;

export type ApiParts = { [K in keyof typeof PARTS]: InstanceType<(typeof PARTS)[K]> };

/** The handlers of the api, given what they work on. */
export function apiModule(parts: ApiParts): DynamicModule {
  return {
    module: ApiModule,
    controllers: [
      ResourcesController,
      RulesController,
      CorrectionsController,
      IncidentsController,
      BacktestsController,
      GateController,
      ReportsController,
      OnCallController,
      PagesController,
      AcknowledgeController,
      LogController,
      AccessController,
      SystemController,
      DocumentsController,
    ],
    providers: [
      ...Object.entries(PARTS).map(([name, type]) => ({
        provide: type,
        useValue: parts[name as keyof ApiParts],
      })),
      DocumentsGuard,
      { provide: APP_INTERCEPTOR, useClass: AnswerInterceptor },
      { provide: APP_INTERCEPTOR, useClass: AsOfInterceptor },
    ],
  };
}
