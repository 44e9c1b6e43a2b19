import { within } from './deadline.js';
import { portOwner } from './port-owner.js';
import { isPortFree } from './ports.js';
import { type Ports, portVariables } from './settings.js';
import { StartError } from './start-error.js';

/** Refuses ports that are taken, naming each port, its variable and, where it can be seen, who has it. */
export async function requireFreePorts(ports: Partial<Ports>, patienceMs: number): Promise<void> {
  const wanted = Object.entries(ports).filter(([, port]) => port !== 0) as [keyof Ports, number][];
  let taken = wanted;
  // Patience is for the ports of a run that was killed and is still being cleared away.
  await within(patienceMs, async () => {
    const free = await Promise.all(wanted.map(([, port]) => isPortFree(port)));
    taken = wanted.filter((_, index) => !free[index]);
    return taken.length === 0;
  });
  if (taken.length === 0) return;
  const lines = taken.map(([name, port]) => {
    const owner = portOwner(port);
    return (
      `Port ${port} (${name}) is taken${owner ? ` by ${owner}` : ' by another process'}. ` +
      `Stop it, or choose another port with ${portVariables[name].variable}.`
    );
  });
  throw new StartError(lines.join('\n'));
}
