import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engineFault } from '../errors.js';
import { findPackage, packageNamed } from '../find-package.js';
import type { Engine } from './engine.js';

const own = dirname(fileURLToPath(import.meta.url));

/**
 * The engine of a name: the package `@fewstep/engine-NAME`, or the package NAME where that has a scope of its own. It is
 * looked for from the working folder upwards, then where this package itself is; code of it runs at once.
 *
 * @throws ModelError `E_ENGINE` where there is none, or it is none
 */
export async function findEngine(name: string, folders?: readonly string[]): Promise<Engine> {
  const engine = await maybeEngine(name, folders);
  if (engine) return engine;
  const wanted = packageNamed('engine', name);
  if (wanted === undefined) throw engineFault(`${JSON.stringify(name)} names no engine`, { engine: name });
  throw engineFault(
    `the engine "${name}" is not installed: no package ${wanted} from ${process.cwd()} upwards, nor beside @fewstep/models. npm install ${wanted}`,
    { engine: name, package: wanted },
  );
}

/** As `findEngine`; undefined where there is none of that name. */
export async function maybeEngine(
  name: string,
  folders: readonly string[] = [process.cwd(), own],
): Promise<Engine | undefined> {
  const wanted = packageNamed('engine', name);
  const found =
    wanted &&
    (await findPackage(wanted, folders, (message, cause) =>
      engineFault(message, { engine: name, package: wanted }, cause),
    ));
  if (!found) return undefined;
  const engine = found.exported.engine as Partial<Engine> | undefined;
  const missing = (['check', 'open'] as const).find((method) => typeof engine?.[method] !== 'function');
  if (missing === undefined) return engine as Engine;
  throw engineFault(
    `${found.name} ${found.version} is no engine: its module exports no \`engine\` with the method \`${missing}\`.`,
    { engine: name, package: found.name },
  );
}
