-- How often a series was written, and which hours of it were last: [[hour, revision], …], the latest first. Whoever
-- follows a series that another partition writes, as a composite does, reads what changed and no more.
alter table evaluator.series add column revision bigint not null default 0;
alter table evaluator.series add column recent json not null default '[]';
