-- What the control log says of each resource the evaluator knows, as of one position: a restart reads on from there.
create table evaluator.registry (
  stream text primary key,
  state  json not null
);
create table evaluator.registry_position (
  one      boolean primary key default true check (one),
  position bigint not null
);
insert into evaluator.registry_position (position) values (0);

-- Running instances. Each holds an advisory lock (class 7301, its number) for as long as its session lives, so that the
-- partitions of a killed one are free at once; expires_at is for one that hangs with its session open.
create table evaluator.instances (
  number     integer generated always as identity primary key,
  id         text not null unique,
  expires_at timestamptz not null
);
create table evaluator.leases (
  partition  integer primary key,
  holder     text,
  -- Counts holders: a former one that still writes is told by it, and refused.
  epoch      bigint not null default 0,
  expires_at timestamptz not null default '-infinity'
);
-- Position in the partition's measurement journal up to which live buckets are made.
create table evaluator.checkpoints (
  partition integer primary key,
  position  bigint not null default 0
);
insert into evaluator.leases (partition) select generate_series(0, 15);
insert into evaluator.checkpoints (partition) select generate_series(0, 15);

-- One indicator over one SLI. backfilled is the version of the SLI's stream up to which the journal was read while the
-- buckets are being made, null once they follow the checkpoint; skip_to is the position that reading reached.
create table evaluator.series (
  id         bigint generated always as identity primary key,
  partition  integer not null,
  sli        text not null,
  indicator  text not null,
  generation integer not null,
  first_at   bigint,
  newest_at  bigint,
  -- Days before this one have no valid row in evaluator.days: their sums are made from the minutes.
  days_from  integer not null default 0,
  backfilled bigint,
  backfill_of bigint not null default 0,
  skip_to    bigint not null default 0,
  tip        json,
  bad_tip    json,
  unique (sli, indicator, generation)
);
create index series_partition on evaluator.series (partition);

-- An hour of minute buckets, and a day of whole-hour sums with the first measured minute of each hour.
create table evaluator.minutes (
  series bigint not null,
  hour   integer not null,
  cells  bytea not null,
  primary key (series, hour)
);
create table evaluator.days (
  series        bigint not null,
  day           integer not null,
  cells         bytea not null,
  first_minutes bytea not null,
  primary key (series, day)
);
