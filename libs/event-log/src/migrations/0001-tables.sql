-- The log. One head row per journal; one table of events, by journal, then by ranges of positions (segments).

create table log.head (
  journal      text        primary key check (journal ~ '^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$'),
  position     bigint      not null default 0,                       -- of the last event; 0: none
  hash         bytea       not null default decode(repeat('00', 32), 'hex'),
  recorded_at  timestamptz,                                          -- of the last event
  segment_size bigint      not null check (segment_size > 0),
  segment_end  bigint      not null,                                 -- the first position after the segment in use
  capacity     bigint      not null                                  -- the first position no segment exists for
) with (fillfactor = 10);                                            -- one row, updated all the time: keep it HOT

-- Bounds, time span and boundary hash of each segment, kept when the segment itself is archived.
create table log.segments (
  journal           text        not null references log.head,
  first_position    bigint      not null,
  end_position      bigint      not null,                            -- exclusive
  table_name        text        not null unique,
  first_recorded_at timestamptz,
  last_recorded_at  timestamptz,                                     -- set once full
  last_hash         bytea,                                           -- set once full: where the next one's chain starts
  archived_at       timestamptz,
  primary key (journal, first_position)
);

create table log.streams (
  stream  text   primary key,
  journal text   not null,
  version bigint not null
) with (fillfactor = 70);

create table log.commands (
  command_id     text        primary key,
  command_hash   text,
  journal        text        not null,
  first_position bigint      not null,
  last_position  bigint      not null,
  version        bigint      not null,                               -- of the stream, after
  recorded_at    timestamptz not null
);

-- Only commands of measurements are ever pruned.
create index commands_to_prune on log.commands (recorded_at) where journal <> 'control';

-- The last batch of each appender. A batch whose answer was lost is sent again under its number, and the
-- first sending may still be waiting for the head: whichever comes second finds its number taken.
create table log.appenders (
  appender       uuid        primary key,
  batch          bigint      not null,
  first_position bigint      not null,
  last_position  bigint      not null,
  recorded_at    timestamptz not null
) with (fillfactor = 50);

-- `json`, not `jsonb`: the text stays as written, so the hash chain verifies byte for byte.
create table log.events (
  journal     text        not null,
  position    bigint      not null,
  event_id    uuid        not null,
  stream      text        not null,
  version     bigint      not null,
  type        text        not null,
  schema      int         not null,
  data        json        not null,
  meta        json        not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  hash        bytea       not null,
  primary key (journal, position)
) partition by list (journal);

create table log.relay_checkpoints (
  relay       text        not null,
  journal     text        not null,
  position    bigint      not null,
  incarnation text        not null,
  updated_at  timestamptz not null default clock_timestamp(),
  primary key (relay, journal)
) with (fillfactor = 50);
