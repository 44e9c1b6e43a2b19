// A process that appends commands one batch after another, and ends itself with SIGKILL at a step of its choice.
// Arguments: connection string, first command, last command, step, at which batch.
import { EventLog } from '../event-log.js';
import { event } from './events.fixture.js';

const [connectionString, first, last, step, atBatch] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
let batches = 0;
const log = EventLog.open({
  connectionString,
  onStep: (reached) => {
    if (reached === 'gathered') batches += 1;
    if (reached === step && batches === Number(atBatch)) process.kill(process.pid, 'SIGKILL');
  },
});
for (let command = Number(first); command <= Number(last); command += 4) {
  await Promise.all(
    [0, 1, 2, 3].map(async (i) => {
      const { firstPosition } = await log.append({
        journal: 'control',
        stream: `crash:${(command + i) % 3}`,
        expectedVersion: 'any',
        events: [event(command + i), event(command + i)],
        commandId: `crash:${command + i}`,
      });
      process.send!({ command: command + i, firstPosition });
    }),
  );
}
await log.close();
process.disconnect();
