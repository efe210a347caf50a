import { randomUUID } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ModelError } from '../errors.js';
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
  if (!entry || found.length > 1)
    throw new ModelError(
      'E_CHECKPOINT',
      entry
        ? `it is a zip of ${found.length} checkpoints; unpack it and name one: ${found
            .slice(0, 8)
            .map((e) => `"${e.name}"`)
            .join(', ')}`
        : `it is a zip without a checkpoint; its files are ${
            entries
              .slice(0, 8)
              .map((e) => `"${e.name}"`)
              .join(', ') || 'none'
          }`,
      { entries: (entry ? found : entries).slice(0, 8).map(({ name }) => name) },
    );
  return entry.stored ?? unpack(entry);
}

async function unpack(entry: ZipEntry): Promise<Source> {
  const path = join(tmpdir(), `fewstep-${randomUUID()}.ckpt`);
  const file = openSync(path, 'wx', 0o600);
  try {
    let sum = 0;
    for await (const bytes of entry.stream()) {
      sum = crc32(bytes, sum);
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    }
    entry.check(sum);
    return fileSource(path);
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw new ModelError(
      'E_CHECKPOINT',
      `"${entry.name}" can't be unpacked into ${tmpdir()}: ${(cause as Error).message}; unpack the zip yourself`,
      { entry: entry.name },
      { cause },
    );
  } finally {
    closeSync(file);
    // what was opened stays readable until it is closed
    rmSync(path);
  }
}
