import { existsSync, readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { init, parse } from 'es-module-lexer';

/**
 * The files that a module stands for, relative to its folder: itself, the files that it imports by their paths, and theirs;
 * of installed packages the package.json, for their versions.
 */
export async function filesOfModule(file: string): Promise<string[]> {
  await init;
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path) || !existsSync(path)) return;
    found.add(path);
    let imports: readonly { readonly n?: string | undefined }[];
    try {
      [imports] = parse(readFileSync(path, 'utf8'));
    } catch {
      return; // what is wrong with it is said when it is loaded
    }
    for (const { n: specifier } of imports) {
      if (specifier === undefined || isBuiltin(specifier)) continue;
      if (/^\.{0,2}\//.test(specifier)) visit(resolve(dirname(path), specifier));
      else {
        const manifest = manifestOf(specifier, path);
        if (manifest) found.add(manifest);
      }
    }
  };
  visit(resolve(file));
  return [...found].map((path) => relative(dirname(file), path));
}

/** The package.json of an installed package, as Node finds it. */
function manifestOf(specifier: string, from: string): string | undefined {
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)![0];
  const folders = createRequire(from).resolve.paths(name) ?? [];
  return folders.map((folder) => join(folder, name, 'package.json')).find((path) => existsSync(path));
}
