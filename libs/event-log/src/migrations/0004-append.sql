-- Appends a batch of requests to one journal: one round trip, one transaction, one lock.
--
-- Each request is judged on its own, in order, against the state that the requests before it leave; one that is
-- refused writes nothing and stops nobody. Arrays with one element per request are named p_request_…, those
-- with one per event p_event_…; streams are numbered into p_streams so that requests on one stream in one batch
-- see each other.
--
-- Answer: `landed` false, and per request a status and numbers:
--   0 appended            version: of the stream, after
--   1 stale               version: the actual one
--   2 stream exists       version: the actual one
--   3 stream missing
--   4 requirement failed  detail: which requirement (index into p_require_…), version: the actual one
--   5 command conflict    (same command id, other hash)
--   6 duplicate           version, first, last: as the command was first answered
--   7 stream of another journal   detail: index into p_streams
-- or `landed` true when this very batch was appended before: then only first_position and last_position say where.
create function log.append(
  p_journal          text,
  p_appender         uuid,
  p_batch            bigint,
  p_now              timestamptz,  -- null: the server's clock
  p_streams          text[],
  p_request_stream   int[],
  p_request_expected bigint[],     -- a version; -1: any, -2: must exist
  p_request_events   int[],        -- how many events each request has
  p_request_requires int[],        -- how many requirements each request has; null: none has any
  p_request_command  text[],       -- null: no request has a command id
  p_request_hash     text[],
  p_require_stream   int[],
  p_require_version  bigint[],
  p_event_id         text[],
  p_event_type       text[],
  p_event_schema     int[],
  p_event_data       text[],
  p_event_meta       text[],
  p_event_time       text[]        -- RFC 3339, UTC, milliseconds
) returns table (
  landed boolean, first_position bigint, last_position bigint, recorded_at timestamptz,
  request_status text, request_version text, request_detail text, request_first text, request_last text
)
language plpgsql security definer
-- The plans are the same for every batch. Without this a plan made while the tables were empty (sequential scan)
-- could stay for a while after they have grown.
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_head        log.head;
  v_before      log.appenders;
  v_now         timestamptz;
  v_now_text    text;
  v_versions    bigint[];
  v_originals   bigint[];
  v_version     bigint;
  v_position    bigint;
  v_hash        bytea;
  v_event       int := 0;      -- events gone through
  v_require     int := 0;      -- requirements gone through
  v_expected    bigint;
  v_stream      int;
  v_status      int;
  v_detail      bigint;
  v_duplicate   record;
  v_requests    int := cardinality(p_request_stream);
  v_events      int := cardinality(p_event_id);
  v_appended    boolean := false;
  v_statuses    int[];
  v_answers     bigint[];
  v_details     bigint[];
  v_firsts      bigint[];
  v_lasts       bigint[];
  v_positions   bigint[];
  v_event_versions bigint[];
  v_event_streams  text[];
  v_hashes      bytea[];
begin
  -- From here to the commit this journal has one writer.
  select * into v_head from log.head h where h.journal = p_journal for update;
  if not found then
    raise exception 'there is no journal "%"', p_journal using errcode = 'BW001';
  end if;

  select * into v_before from log.appenders a where a.appender = p_appender;
  if v_before.batch = p_batch then
    return query select true, v_before.first_position, v_before.last_position, v_before.recorded_at,
      null::text, null::text, null::text, null::text, null::text;
    return;
  elsif v_before.batch > p_batch then
    raise exception 'batch % of this appender was given up: batch % has been appended', p_batch, v_before.batch
      using errcode = 'BW002';
  end if;

  -- Under the lock and never backwards: the order of times is the order of positions.
  v_now := greatest(date_trunc('milliseconds', coalesce(p_now, clock_timestamp())), v_head.recorded_at);
  v_now_text := to_char(v_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

  -- A stream belongs to one journal, so the head's lock covers its row, too. -1: it belongs to another.
  select array_agg(case when s.journal <> p_journal then -1 else coalesce(s.version, 0) end order by n.number)
    into v_versions
    from unnest(p_streams) with ordinality n(stream, number) left join log.streams s on s.stream = n.stream;
  v_originals := v_versions;

  -- Filled first: assigning element 3 of an empty array makes one that starts there, and all would shift.
  v_statuses := array_fill(0, array[v_requests]);
  v_answers  := array_fill(0::bigint, array[v_requests]);
  v_details  := array_fill(null::bigint, array[v_requests]);
  v_firsts   := v_details;
  v_lasts    := v_details;
  v_positions      := array_fill(null::bigint, array[v_events]);
  v_event_versions := v_positions;
  v_event_streams  := array_fill(null::text, array[v_events]);
  v_hashes         := array_fill(null::bytea, array[v_events]);

  if p_request_command is not null then
    for v_duplicate in
      select n.number::int, c.*, p_request_hash[n.number] <> c.command_hash as differs
        from unnest(p_request_command) with ordinality n(command_id, number)
        join log.commands c on c.command_id = n.command_id
    loop
      v_statuses[v_duplicate.number] := case when v_duplicate.differs or v_duplicate.journal <> p_journal then 5 else 6 end;
      v_answers[v_duplicate.number]  := v_duplicate.version;
      v_firsts[v_duplicate.number]   := v_duplicate.first_position;
      v_lasts[v_duplicate.number]    := v_duplicate.last_position;
    end loop;
  end if;

  v_position := v_head.position;
  v_hash := v_head.hash;
  for r in 1..v_requests loop
    v_status   := v_statuses[r];
    v_stream   := p_request_stream[r];
    v_version  := v_versions[v_stream];
    if v_status = 0 then
      v_expected := p_request_expected[r];
      if v_version = -1 then
        v_status := 7;
        v_details[r] := v_stream;
      elsif v_expected >= 0 and v_version <> v_expected then
        v_status := case when v_expected = 0 then 2 when v_version = 0 then 3 else 1 end;
        v_answers[r] := v_version;
      elsif v_expected = -2 and v_version = 0 then
        v_status := 3;
      end if;
    end if;
    if p_request_requires is not null then
      if v_status = 0 then
        for q in v_require + 1 .. v_require + p_request_requires[r] loop
          v_detail := v_versions[p_require_stream[q]];
          if v_detail = -1 then
            v_status := 7;
            v_details[r] := p_require_stream[q];
            exit;
          elsif v_detail <> p_require_version[q] then
            v_status := 4;
            v_details[r] := q;
            v_answers[r] := v_detail;
            exit;
          end if;
        end loop;
      end if;
      v_require := v_require + p_request_requires[r];
    end if;
    if v_status = 0 then
      v_appended := true;
      for e in v_event + 1 .. v_event + p_request_events[r] loop
        v_position := v_position + 1;
        v_version := v_version + 1;
        v_hash := sha256(v_hash || convert_to(concat_ws(E'\n', p_journal, v_position, p_event_id[e],
          p_streams[v_stream], v_version, p_event_type[e], p_event_schema[e], p_event_time[e], v_now_text,
          octet_length(p_event_data[e]), p_event_data[e], p_event_meta[e]), 'UTF8'));
        v_positions[e] := v_position;
        v_event_versions[e] := v_version;
        v_event_streams[e] := p_streams[v_stream];
        v_hashes[e] := v_hash;
      end loop;
      v_versions[v_stream] := v_version;
      v_answers[r] := v_version;
      v_firsts[r] := v_position - p_request_events[r] + 1;
      v_lasts[r] := v_position;
    end if;
    v_event := v_event + p_request_events[r];
    v_statuses[r] := v_status;
  end loop;

  if v_appended then
    if v_position + v_head.segment_size / 2 >= v_head.capacity then
      while v_position + v_head.segment_size / 2 >= v_head.capacity loop
        perform log.create_segment(p_journal);
        v_head.capacity := v_head.capacity + v_head.segment_size;
      end loop;
    end if;

    insert into log.events (journal, position, event_id, stream, version, type, schema, data, meta,
                            occurred_at, recorded_at, hash)
    select p_journal, e.position, e.id::uuid, e.stream, e.version, e.type, e.schema, e.data::json, e.meta::json,
           e.time::timestamptz, v_now, e.hash
      from unnest(v_positions, p_event_id, v_event_streams, v_event_versions, p_event_type, p_event_schema,
                  p_event_data, p_event_meta, p_event_time, v_hashes)
           as e(position, id, stream, version, type, schema, data, meta, time, hash)
     where e.position is not null;

    insert into log.streams (stream, journal, version)
    select s.stream, p_journal, s.version
      from unnest(p_streams, v_originals, v_versions) as s(stream, original, version)
     where s.original = 0 and s.version > 0;

    update log.streams t set version = s.version
      from unnest(p_streams, v_originals, v_versions) as s(stream, original, version)
     where t.stream = s.stream and s.original > 0 and s.version > s.original;

    if p_request_command is not null then
      insert into log.commands (command_id, command_hash, journal, first_position, last_position, version, recorded_at)
      select c.id, c.hash, p_journal, c.first, c.last, c.version, v_now
        from unnest(p_request_command, p_request_hash, v_statuses, v_firsts, v_lasts, v_answers)
             as c(id, hash, status, first, last, version)
       where c.id is not null and c.status = 0;
    end if;

    update log.head h set position = v_position, hash = v_hash, recorded_at = v_now where h.journal = p_journal;

    if v_position >= v_head.segment_end - 1 then
      perform log.seal_segments(p_journal);
    end if;
  end if;

  -- Also when nothing was appended: the caller hears so now, and a first sending that comes late must not append.
  insert into log.appenders as a (appender, batch, first_position, last_position, recorded_at)
  values (p_appender, p_batch, v_head.position + 1, v_position, v_now)
  on conflict (appender) do update
     set batch = excluded.batch, first_position = excluded.first_position,
         last_position = excluded.last_position, recorded_at = excluded.recorded_at;

  return query select false, v_head.position + 1, v_position, v_now,
    array_to_string(v_statuses, ','), array_to_string(v_answers, ','), array_to_string(v_details, ',', ''),
    array_to_string(v_firsts, ',', ''), array_to_string(v_lasts, ',', '');
end;
$$;
