-- Nothing in the log is changed or removed, whoever asks. Statement triggers fire only for the table that the
-- statement names, so the root, each journal and each segment carry their own; they cost an insert nothing.

create function log.refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception '% of %.% is refused: the event log is immutable', tg_op, tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege';
end;
$$;

create function log.protect(p_table regclass) returns void
language plpgsql as $$
begin
  execute format(
    'create trigger immutable before update or delete or truncate on %s for each statement execute function log.refuse_change()',
    p_table);
  -- "always": session_replication_role = replica must not be a way around it.
  execute format('alter table %s enable always trigger immutable', p_table);
end;
$$;

select log.protect('log.events');
