import { endWithReader } from './closed-pipe.js';
import { run } from './program.js';

endWithReader([process.stdout, process.stderr]);
process.exitCode = await run(process.argv.slice(2));
