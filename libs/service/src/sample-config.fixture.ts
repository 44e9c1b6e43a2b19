/** A configuration on free ports of this machine, with a database and a bus that nobody connects to. */
export function sampleConfig() {
  return {
    DATABASE_URL: 'postgres://127.0.0.1/none',
    NATS_URL: 'nats://127.0.0.1:1',
    BELLWETHER_ADMIN_HOST: '127.0.0.1',
    BELLWETHER_ADMIN_PORT: 0,
    BELLWETHER_HTTP_HOST: '127.0.0.1',
    BELLWETHER_API_PORT: 0,
    BELLWETHER_INGEST_PORT: 0,
    BELLWETHER_LOG_LEVEL: 'silent' as const,
  };
}
