-- Forgets the commands of measurements that are older than a moment; those of the control journal are kept for
-- ever. Also the batch numbers of appenders that are long gone. At most p_limit rows, so that no lock and no
-- transaction is long; answers how many commands went.
create function log.prune_commands(p_before timestamptz, p_limit int) returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_pruned int;
begin
  delete from log.commands c
   where c.command_id in (
     select o.command_id from log.commands o
      where o.journal <> 'control' and o.recorded_at < p_before
      order by o.recorded_at limit p_limit for update skip locked);
  get diagnostics v_pruned = row_count;
  delete from log.appenders a where a.recorded_at < p_before;
  return v_pruned;
end;
$$;
