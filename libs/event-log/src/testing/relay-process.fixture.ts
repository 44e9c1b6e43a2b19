// A process that relays the control journal into a table, and ends itself with SIGKILL at a step of its choice.
// Arguments: connection string, step, how often it has to be reached.
import pg from 'pg';
import { EventLog } from '../event-log.js';
import { Relay } from '../relay.js';

const [connectionString, step, times] = process.argv.slice(2) as [string, string, string];
const log = EventLog.open({ connectionString });
const copy = new pg.Client(connectionString);
await copy.connect();
let reached = 0;
function at(name: string): void {
  if (name !== step) return;
  reached += 1;
  if (reached === Number(times)) process.kill(process.pid, 'SIGKILL');
}
const relay = new Relay({
  log,
  journals: ['control'],
  window: 3,
  pollMs: 20,
  target: {
    async incarnation() {
      const { rows } = await copy.query('select coalesce(max(position), 0)::int as last from copied');
      const held = { created: 'table', firstPosition: 1, lastPosition: rows[0].last };
      return {
        control: {
          ...held,
          isShared: false,
          hasHoles: false,
          isFull: false,
          maxAgeMs: Number.MAX_SAFE_INTEGER,
        },
      };
    },
    async clear() {
      throw new Error('the table loses nothing');
    },
    async publish(events) {
      for (const { id, position } of events) {
        await copy.query('insert into copied (id, position) values ($1, $2)', [id, position]);
        at('publishing');
      }
    },
  },
  onStep: (name) => at(name),
});
relay.start();
process.once('message', async () => {
  await relay.stop();
  await copy.end();
  await log.close();
  process.disconnect();
});
