import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../errors.js';
import type { Digest } from './digest.js';

const leaseHeartbeatMs = 5_000;
const leaseStaleMs = 30_000;

/** The right to compute a key, alone among the runs on a store. */
export interface Lease {
  release(): Promise<void>;
}

/** Becomes the one that computes a key; undefined while another live process is. `writeAside` writes a text on the same disk and says where. */
export async function takeLease(
  folder: string,
  key: Digest,
  writeAside: (text: string) => Promise<string>,
): Promise<Lease | undefined> {
  const path = join(folder, key);
  await mkdir(folder, { recursive: true });
  const holder = { pid: process.pid, host: hostname(), nonce: randomBytes(8).toString('hex') };
  const written = await writeAside(JSON.stringify(holder));
  try {
    await link(written, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (await isHeld(path)) return undefined;
    await rename(written, path); // the last of several thieves holds it; the record's first writer wins anyway
  } finally {
    await rm(written, { force: true });
  }
  const heartbeat = setInterval(() => void touch(path), leaseHeartbeatMs);
  heartbeat.unref();
  return {
    async release() {
      clearInterval(heartbeat);
      const found = await readFile(path, 'utf8').catch(() => '');
      if (found === JSON.stringify(holder)) await rm(path, { force: true });
    },
  };
}

async function touch(path: string): Promise<void> {
  const handle = await open(path, 'r+').catch(() => undefined);
  if (!handle) return;
  const now = new Date();
  await handle.utimes(now, now).catch(() => {});
  await handle.close();
}

async function isHeld(path: string): Promise<boolean> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8'));
    if (holder.host === hostname() && !isAlive(holder.pid)) return false;
    // A process that lives may be another one that was given the same number: the holder's heart beats.
    return Date.now() - (await stat(path)).mtimeMs < leaseStaleMs;
  } catch {
    return false;
  }
}

/** Whether a process of this machine runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
