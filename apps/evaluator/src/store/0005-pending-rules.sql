-- Since when threshold rules hold that have not fired yet (milliseconds of the epoch), so that a restart, or another
-- instance that takes over, does not begin to count anew. condition is what was watched: another definition's does not count.
create table evaluator.pending_rules (
  rule      text primary key,
  condition text not null,
  since     bigint not null
);
