export { type ArchivedSegment, type ArchiveOptions, archiveSegments, verifyArchive } from './archive.js';
export type { AppendStep } from './batch-sender.js';
export { bigintArray, textArray } from './binary-array.js';
export type { ConsumerMetrics } from './consumer-metrics.js';
export { CheckpointMoved, type ParkedRecord, PgConsumerStore, type RetryResult } from './consumer-store.js';
export * from './errors.js';
export type {
  AppendedEvent,
  AppendRequest,
  AppendResult,
  EventMeta,
  ExpectedVersion,
  NewEvent,
  RecordedEvent,
  Requirement,
} from './event.js';
export { EventLog, type EventLogOptions } from './event-log.js';
export { type EventFixture, readFixtures, replayFixture } from './fixtures.js';
export type { FollowOptions } from './follow.js';
export { type Leadership, LeadLost, tryToLead } from './leader-lock.js';
export { type MigrateOptions, migrate } from './migrate.js';
export type { Page } from './page.js';
export type { BuildProgress, ParkedKey, Projection, ProjectionBuild, ProjectionState } from './projection.js';
export { Projector, type ProjectorOptions } from './projector.js';
export type { Head, ReadJournalOptions, ReadPageOptions, ReadStreamOptions } from './reader.js';
export type { RecordedCommand } from './recorded-commands.js';
export { Relay, type RelayOptions, type RelayRetention } from './relay.js';
export {
  type CopyState,
  type RelayCheckpoint,
  type ResumePlan,
  type RetentionStart,
  resumePlan,
} from './relay-plan.js';
export type { RelayStep, RelayTarget } from './relay-target.js';
export { OWNER, WRITER } from './roles.js';
export type { ScannedPage, ScanStreamOptions } from './stream-scan.js';
export { transaction } from './transaction.js';
export { type Upcast, type Upcaster, upcastWith } from './upcast.js';
export { upcasters } from './upcasters.js';
export type { JournalReport, VerifyOptions, VerifyReport } from './verify.js';
