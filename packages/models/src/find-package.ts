import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The package that a name stands for: `@fewstep/WHAT-NAME`, or the name itself where it has a scope of its own; undefined
 * where it can be none.
 */
export function packageNamed(what: string, name: string): string | undefined {
  const full = name.startsWith('@') ? name : `@fewstep/${what}-${name}`;
  return name !== '' && /^@[a-z0-9~-][a-z0-9._~-]*\/[a-z0-9~-][a-z0-9._~-]*$/.test(full) ? full : undefined;
}

/**
 * Loads a package as `require` finds it, from the first of the folders that has it there or above: what its module exports;
 * undefined where none has. Code of it runs at once.
 *
 * @param refusal makes the error of a package that is there and does not do
 * @throws what `refusal` makes, where it has no module (`"exports"` with `"default"`), or one that isn't built or can't be loaded
 */
export async function findPackage(
  name: string,
  folders: readonly string[],
  refusal: (message: string, cause: unknown) => Error,
) {
  const path = folders.map((folder) => find(name, folder, refusal)).find((found) => found !== undefined);
  if (path === undefined) return undefined;
  const version = versionOf(path, name);
  try {
    const exported: Readonly<Record<string, unknown>> = await import(pathToFileURL(path).href);
    return { name, version, exported };
  } catch (cause) {
    throw refusal(`${name} ${version} can't be loaded (${(cause as Error).message}).`, cause);
  }
}

/** The file of a package's module, as Node finds it from a folder. */
function find(
  name: string,
  folder: string,
  refusal: (message: string, cause: unknown) => Error,
): string | undefined {
  const require = createRequire(join(folder, 'from-here.js'));
  try {
    return require.resolve(name);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isMissing = code === 'MODULE_NOT_FOUND';
    if (isMissing && !require.resolve.paths(name)?.some((place) => existsSync(join(place, name))))
      return undefined;
    const [reason] = message.split('\n');
    throw refusal(
      isMissing
        ? `${name} is installed, and what it names as its module is not there; build it first: ${reason}`
        : `${name} is installed, and has no module ("exports" with "default"): ${reason}`,
      cause,
    );
  }
}

/** As the manifest above a module's file says. */
function versionOf(path: string, name: string): string {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    if (manifest.name === name) return manifest.version;
  }
  return 'unknown';
}
