import { randomUUID } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { checkpointFault, ModelError } from '../errors.js';
import { fileSource, type Source } from './source.js';
import type { ZipEntry } from './zip.js';

const CHECKPOINT = /\.(ckpt|pt|pth|pkl|bin|safetensors)$/i;

/**
 * The one checkpoint in a zip, as Latent Diffusion's are published. Where it was compressed, it is unpacked into a
 * temporary file without a name, so that memory need not hold it.
 *
 * @throws ModelError `E_CHECKPOINT` where there is none, or several; `E_ZIP` when it is damaged.
 */
export async function checkpointIn(entries: readonly ZipEntry[]): Promise<Source> {
  const found = entries.filter(({ name }) => CHECKPOINT.test(name));
  const [entry] = found;
  if (entry && found.length === 1) {
    if (!entry.stored) return unpack(entry);
    // of its parts no checksum is known, so all of it is gone through once before any is taken
    for await (const _ of entry.stream());
    return entry.stored;
  }
  const all = entry ? found : entries;
  const names = all.slice(0, 8).map(({ name }) => name);
  const more = all.length > names.length ? ` and ${all.length - names.length} more` : '';
  const list = `${names.map((name) => `"${name}"`).join(', ') || 'none'}${more}`;
  throw checkpointFault(
    entry
      ? `it is a zip of ${found.length} checkpoints; unpack it and name one: ${list}`
      : `it is a zip without a checkpoint; its files are ${list}`,
    { entries: names },
  );
}

async function unpack(entry: ZipEntry): Promise<Source> {
  const path = join(tmpdir(), `fewstep-${randomUUID()}.ckpt`);
  try {
    await pipeline(entry.stream(), createWriteStream(path, { flags: 'wx', mode: 0o600 }));
    return fileSource(path);
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw checkpointFault(
      `"${entry.name}" can't be unpacked into ${tmpdir()}: ${(cause as Error).message}; unpack the zip yourself`,
      { entry: entry.name },
      cause,
    );
  } finally {
    // what was opened stays readable until it is closed
    rmSync(path, { force: true });
  }
}
