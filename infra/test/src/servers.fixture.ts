// Started by guard.e2e.spec.ts, which kills it.
import { startNats, startPostgres, temporaryFolder } from './index.js';

const folder = temporaryFolder('fixture');
const [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
process.send?.({ pids: [postgres.pid, nats.pid], folders: [folder, nats.storeDir] });
setInterval(() => {}, 1_000);
