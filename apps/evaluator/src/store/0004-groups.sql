-- Groups of an SLI by the values of a label: a series for all values beyond the cap, which is there from the start, and
-- for each value one that hangs on it. One that has no measurement yet was begun and never stored: it does not count.
alter table evaluator.series add column group_of bigint;
alter table evaluator.series add column group_value text;
create index series_group_of on evaluator.series (group_of) where group_of is not null;
