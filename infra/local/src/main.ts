// The supervisor of `npm start`: bin/start.mjs runs it on the pinned Node when everything is installed and built.
import { runForeground } from './foreground.js';
import { services } from './services.js';

await runForeground(services);
