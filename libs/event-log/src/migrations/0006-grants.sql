-- The services' role reads everything and writes through log.append alone: with rights of its own on the tables
-- a mistake in a service could take a position without the chain, or move a head.
grant usage on schema log to bellwether_writer;
grant select on all tables in schema log to bellwether_writer;
alter default privileges in schema log grant select on tables to bellwether_writer;
grant insert, update on log.relay_checkpoints to bellwether_writer;

revoke execute on all functions in schema log from public;
grant execute on function log.append, log.prune_commands to bellwether_writer;
