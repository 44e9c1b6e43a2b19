import { once } from 'node:events';
import net from 'node:net';

/** A free TCP port on loopback, chosen by the system. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
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
