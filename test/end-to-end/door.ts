/** A way to a sandbox that can be shut: nobody listens then, so that a call is certainly never sent. The sandbox itself goes on. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { SandboxProcess } from './sandbox.ts';

export interface Door {
  readonly url: string;
  shut(): Promise<void>;
  open(): Promise<void>;
}

export async function createDoor(sandbox: SandboxProcess): Promise<Door> {
  const behind = Number(new URL(sandbox.url).port);
  const through = new Set<Socket>();
  const server = createServer((socket) => {
    const inner = connect(behind, '127.0.0.1');
    for (const [each, other] of [[socket, inner] as const, [inner, socket] as const]) {
      through.add(each);
      each.on('error', () => other.destroy());
      each.on('close', () => {
        through.delete(each);
        other.destroy();
      });
      each.pipe(other);
    }
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    open: () => listen(port),
    async shut() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of through) socket.destroy();
      await closed;
    },
  };
}
