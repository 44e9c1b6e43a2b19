-- Asked for by a person: whoever holds the partition makes its buckets anew beside the ones in use.
alter table evaluator.checkpoints add column rebuild boolean not null default false;
