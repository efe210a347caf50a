import { join } from 'node:path';
import { type Digest, isDigest } from '../digest.js';
import { TaskgraphError } from '../errors.js';
import type { Disk } from './machine.js';

/** What somebody wants to keep. */
export interface Pin {
  readonly name: string;
  /** For people: what the keys are of. */
  readonly of: readonly string[];
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Of records; those that are not there are kept once they are. */
  readonly keys: readonly Digest[];
}

export type Pins = ReturnType<typeof pins>;

/** Pins by name, a file each; whatever else lies there is passed over. */
export function pins(disk: Disk, folder: string) {
  const pathOf = (name: string) => join(folder, `${name}.json`);
  const read = async (name: string): Promise<Pin | undefined> => {
    const bytes = await disk.read(pathOf(name));
    return bytes && parsePin(new TextDecoder().decode(bytes), name);
  };
  return {
    async list(): Promise<readonly Pin[]> {
      const found: Pin[] = [];
      for (const file of [...(await disk.names(folder))].sort()) {
        const pin = file.endsWith('.json') ? await read(file.slice(0, -'.json'.length)) : undefined;
        if (pin) found.push(pin);
      }
      return found;
    },
    /** Over one of the same name. @throws TaskgraphError E_PIN where the name can't be that of a file */
    async put(pin: Pin): Promise<void> {
      if (!isName(pin.name))
        throw new TaskgraphError(
          'E_PIN',
          `"${pin.name}" can't be the name of a pin: letters, digits, dots, hyphens and underscores, the first no dot, 100 at most.`,
          { exitCode: 2, evidence: { name: pin.name } },
        );
      await disk.folder(folder);
      await disk.replace(pathOf(pin.name), `${JSON.stringify(pin)}\n`);
    },
    /** Says whether there was one. */
    async remove(name: string): Promise<boolean> {
      if (!isName(name) || !(await read(name))) return false;
      await disk.remove(pathOf(name));
      return true;
    },
  };
}

const isName = (name: string) => /^[\p{L}\p{N}_-][\p{L}\p{N}._-]{0,99}$/u.test(name);

function parsePin(text: string, name: string): Pin | undefined {
  try {
    const { of, at, keys } = JSON.parse(text);
    const isText = (value: unknown) => typeof value === 'string';
    return Array.isArray(keys) && keys.every(isDigest) && Array.isArray(of) && of.every(isText) && isText(at)
      ? { name, of, at, keys }
      : undefined;
  } catch {
    return undefined;
  }
}
