-- A segment is made on its own and then attached: attaching takes a lock that stops neither readers nor
-- appenders, which "create table … partition of" would.

create function log.create_segment(p_journal text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_head  log.head;
  v_table text;
begin
  select * into strict v_head from log.head where journal = p_journal for update;
  v_table := format('events_%s_p%s', replace(p_journal, '-', '_'), v_head.capacity);
  execute format('create table log.%I (like log.events including all)', v_table);
  execute format('create unique index on log.%I (stream, version)', v_table);
  perform log.protect(format('log.%I', v_table)::regclass);
  execute format('alter table log.%I attach partition log.%I for values from (%s) to (%s)',
    'events_' || replace(p_journal, '-', '_'), v_table, v_head.capacity, v_head.capacity + v_head.segment_size);
  insert into log.segments (journal, first_position, end_position, table_name)
  values (p_journal, v_head.capacity, v_head.capacity + v_head.segment_size, v_table);
  update log.head set capacity = capacity + segment_size where journal = p_journal;
end;
$$;

-- Makes a journal with its first segment; one that exists is left as it is.
create function log.create_journal(p_journal text, p_segment_size bigint) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := 'events_' || replace(p_journal, '-', '_');
begin
  insert into log.head (journal, segment_size, segment_end, capacity)
  values (p_journal, p_segment_size, 1 + p_segment_size, 1)
  on conflict do nothing;
  if not found then
    return;
  end if;
  execute format('create table log.%I (like log.events including all) partition by range (position)', v_table);
  perform log.protect(format('log.%I', v_table)::regclass);
  execute format('alter table log.events attach partition log.%I for values in (%L)', v_table, p_journal);
  perform log.create_segment(p_journal);
end;
$$;

-- A batch has crossed the end of the segment in use: what the next one's chain starts from is kept, and so is
-- the time span, because both must outlive the segment.
create function log.seal_segments(p_journal text) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_head log.head;
begin
  select * into strict v_head from log.head where journal = p_journal for update;
  while v_head.position >= v_head.segment_end - 1 loop
    update log.segments s
       set first_recorded_at = (select e.recorded_at from log.events e where e.journal = p_journal and e.position = s.first_position),
           last_recorded_at  = l.recorded_at,
           last_hash         = l.hash
      from log.events l
     where s.journal = p_journal and s.end_position = v_head.segment_end
       and l.journal = p_journal and l.position = v_head.segment_end - 1;
    select s.end_position into strict v_head.segment_end
      from log.segments s where s.journal = p_journal and s.first_position = v_head.segment_end;
  end loop;
  update log.head set segment_end = v_head.segment_end where journal = p_journal;
end;
$$;
