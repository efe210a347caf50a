import { readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { TargetConfiguration } from 'nx/src/devkit-exports';
import { parseDocument, visit } from 'yaml';

type Inputs = NonNullable<TargetConfiguration['inputs']>;

/**
 * What a target of an experiment depends on: its file, the files and folders that a text in it names, as a spec names them,
 * relative to its folder, and of modules those that they import by their paths; what `datasets.yaml` beside it calls datasets,
 * and names; and what says where weights are.
 *
 * A text that happens to be a file's name makes it an input too, which costs nothing but a task that is done again.
 */
export function inputsOf(file: string, text: string, workspaceRoot: string): Inputs {
  const inputs = new Set<string>();
  const add = (path: string, from: string): void => {
    const absolute = resolve(from, path);
    const found = whatIsAt(absolute);
    if (!found) return;
    // Nx follows no link
    const inside = relative(realpathSync(workspaceRoot), realpathSync(absolute));
    const isOutside = inside === '' || inside.startsWith('..') || resolve(inside) === inside;
    // a folder that holds the spec is no input of it
    if (isOutside || from === absolute || from.startsWith(absolute + sep)) return;
    const name = inside.split(sep).join('/');
    const input = found.isDirectory() ? `${name}/**/*` : name;
    if (inputs.has(input)) return;
    inputs.add(input);
    if (found.isFile() && /\.m?js$/.test(name))
      for (const imported of importsIn(readFileSync(absolute, 'utf8'))) add(imported, dirname(absolute));
  };
  const spec = join(workspaceRoot, file);
  const addNamed = (yaml: string) =>
    visit(parseDocument(yaml, { logLevel: 'silent' }), {
      Scalar: (_, { value }) => {
        if (typeof value === 'string' && /^[^\0\n]{1,1000}$/.test(value)) add(value, dirname(spec));
      },
    });
  addNamed(text);
  const datasets = join(dirname(spec), 'datasets.yaml');
  if (whatIsAt(datasets)?.isFile()) {
    add(datasets, dirname(spec));
    addNamed(readFileSync(datasets, 'utf8'));
  }
  inputs.delete(file);
  return [
    `{workspaceRoot}/${file}`,
    // weights are often among what git ignores
    ...[...inputs].map((name) => ({ fileset: `{workspaceRoot}/${name}`, includeIgnored: true })),
    { env: 'FEWSTEP_MODELS' },
  ];
}

function whatIsAt(path: string): Stats | undefined {
  try {
    const found = statSync(path);
    return found.isFile() || found.isDirectory() ? found : undefined;
  } catch {
    return undefined;
  }
}

/** What a module imports by its path. */
const importsIn = (code: string): string[] =>
  [...code.matchAll(/\b(?:from|import)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/g)].map(([, , path]) => path!);
