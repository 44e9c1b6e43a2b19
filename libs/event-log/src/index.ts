export type { AppendStep } from './appender.js';
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
export { EventLog, type EventLogOptions, type FollowOptions } from './event-log.js';
export { type MigrateOptions, migrate } from './migrate.js';
export type { Head, ReadJournalOptions, ReadStreamOptions } from './reader.js';
export { OWNER, WRITER } from './roles.js';
export { type Upcast, type Upcaster, upcastWith } from './upcast.js';
export type { JournalReport, VerifyOptions, VerifyReport } from './verify.js';
