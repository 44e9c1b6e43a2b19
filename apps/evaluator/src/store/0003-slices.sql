-- Slices that SLOs judge by are a series of their own, made from the series of the events they are made of.
alter table evaluator.series add column slices_of bigint;
create index series_slices_of on evaluator.series (slices_of) where slices_of is not null;

-- Sketches of the values observed in each minute of an hour, for percentiles.
create table evaluator.sketches (
  series  bigint not null,
  hour    integer not null,
  minutes bytea not null,
  primary key (series, hour)
);
