import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';

/** Ports below those that systems give to outgoing connections (Linux: from 32768, others: from 49152). */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/**
 * A free TCP port on loopback. Not one of the system's own choosing: those are the local ports of outgoing
 * connections, too, one of which may have taken it by the time that a server binds it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isPortFree(port)) return port;
  }
}

/** Whether something can be bound to the port on loopback now. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = net.createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** Whether something accepts connections on the port now; `greeting` is what it says first, if asked for. */
export async function accepts(port: number, greeting?: RegExp): Promise<boolean> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.setTimeout(1_000, () => socket.destroy(new Error('silent')));
  try {
    if (!greeting) {
      await once(socket, 'connect');
      return true;
    }
    const [data] = (await once(socket, 'data')) as [Buffer];
    return greeting.test(data.toString());
  } catch {
    return false;
  } finally {
    socket.on('error', () => {});
    socket.destroy();
  }
}
