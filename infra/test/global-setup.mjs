// One PostgreSQL for all test files of project `int`; each makes its own database there (createDatabase).
import './source-loader.mjs';

export default async function globalSetup() {
  const { startPostgres } = await import('@bellwether/testing');
  const server = await startPostgres();
  process.env.BELLWETHER_TEST_DATABASE_URL = server.url();
}
