import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** Whether there is a Redis to start; else what to say. */
export const noRedis =
  spawnSync('redis-server', ['--version']).status === 0
    ? undefined
    : 'no redis-server: on Debian, apt-get install redis-server';

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** A Redis of this machine, which can be killed, started again and emptied. */
export interface RedisServer {
  readonly port: number;
  readonly url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  command(...words: [string, ...string[]]): Promise<unknown>;
  end(): Promise<void>;
}

export async function redisServer(folder: string, password = ''): Promise<RedisServer> {
  const port = await freePort();
  const url = `redis://${password && `:${password}@`}127.0.0.1:${port}`;
  let server: ChildProcess | undefined;
  const command = async (...[name, ...words]: [string, ...string[]]) => {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.call(name, ...words);
    } finally {
      client.disconnect();
    }
  };
  const restart = async () => {
    const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
    const kept = ['--appendonly', 'yes', '--save', '', '--requirepass', password];
    server = spawn('redis-server', [...where, ...kept], { stdio: 'ignore' });
    for (let tries = 0; tries < 400; tries++) {
      if ((await command('PING').catch(() => {})) === 'PONG') return;
      await sleep(25);
    }
    throw new Error('redis-server does not answer');
  };
  const kill = () =>
    new Promise<void>((resolve) => {
      if (!server || server.exitCode !== null || server.signalCode !== null) return resolve();
      server.once('exit', () => resolve());
      server.kill('SIGKILL');
    });
  await restart();
  return { port, url, kill, restart, command, end: kill };
}
