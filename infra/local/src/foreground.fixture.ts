// `npm start` with the services named in FAKE_SERVICES, from source.
import { runForeground } from './foreground.js';
import type { ServiceDefinition } from './services.js';

await runForeground(JSON.parse(process.env.FAKE_SERVICES ?? '[]') as ServiceDefinition[]);
