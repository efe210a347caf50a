import { createServer, type Socket } from 'node:net';
import { freePort } from './redis-server.js';

/** A line to a port of this machine that can be cut, slow or bad. */
export interface Proxy {
  readonly port: number;
  /** `through`: as it is; `cut`: nobody gets through; `slow`: each part comes late; `bad`: of some parts a bit is another. */
  mode: 'through' | 'cut' | 'slow' | 'bad';
  /** Ends the connections there are. */
  drop(): void;
  end(): void;
}

const lateMs = 300;

export async function proxyTo(target: number, random: () => number): Promise<Proxy> {
  const { connect } = await import('node:net');
  const sockets = new Set<Socket>();
  const port = await freePort();
  const proxy: Proxy = {
    port,
    mode: 'through',
    drop() {
      for (const socket of sockets) socket.destroy();
    },
    end() {
      server.close();
      proxy.drop();
    },
  };
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    from.on('data', (bytes: Buffer) => {
      if (proxy.mode === 'bad' && random() < 0.1) bytes[Math.floor(random() * bytes.length)]! ^= 1;
      if (proxy.mode === 'slow') setTimeout(() => to.writable && to.write(bytes), lateMs);
      else to.write(bytes);
    });
  };
  const server = createServer((near) => {
    if (proxy.mode === 'cut') return void near.destroy();
    const far = connect(target, '127.0.0.1');
    pass(near, far);
    pass(far, near);
  }).listen(port, '127.0.0.1');
  return proxy;
}
