// `node infra/local/dist/migrate.js`: brings the log's schema in DATABASE_URL up to date and ends. What containers
// run before a service; safe to run by many at once.
import { migrateLog } from './database.js';
import { settingsFrom } from './settings.js';
import { StartError } from './start-error.js';

try {
  const { databaseUrl } = settingsFrom(process.env);
  if (!databaseUrl)
    throw new StartError('DATABASE_URL is not set: it names the PostgreSQL database of the log.');
  await migrateLog(databaseUrl);
} catch (error) {
  if (!(error instanceof StartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
