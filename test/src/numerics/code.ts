import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

/** What of a module is used: names that it exports, or all of it. */
type Names = ReadonlySet<string> | 'all';

interface Import {
  readonly specifier: string;
  readonly names: Names;
}

interface Module {
  /** Of its text without comments, empty lines, and where in this repository its imports lie. */
  readonly digest: string;
  readonly imports: readonly Import[];
  /** Where it does nothing but hand on names of others: by name, what it is there. */
  readonly handsOn?: ReadonlyMap<string, { readonly specifier: string; readonly name: string }>;
}

const all: Names = 'all';
const known = new Map<string, Module>();

function moduleAt(file: string): Module {
  const found = known.get(file);
  if (found) return found;
  const source = readFileSync(file, 'utf8');
  const { program, comments, module, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const places: { start: number; end: number }[] = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest ?? []),
    ),
    ...module.dynamicImports.map(({ moduleRequest }) => moduleRequest),
  ].filter(({ start }) => source[start + 1] === '.');
  const imports: Import[] = module.staticImports.map(({ moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    names: entries.some(({ importName }) => importName.kind === 'NamespaceObject')
      ? all
      : new Set(entries.map(({ importName }) => importName.name ?? 'default')),
  }));
  const handsOn = new Map<string, { specifier: string; name: string }>();
  for (const { moduleRequest, importName, exportName } of module.staticExports.flatMap(
    ({ entries }) => entries,
  )) {
    if (!moduleRequest) continue;
    const name = importName.name;
    if (name !== null && exportName.name !== null)
      handsOn.set(exportName.name, { specifier: moduleRequest.value, name });
    imports.push({ specifier: moduleRequest.value, names: name === null ? all : new Set([name]) });
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const specifier = /^(['"])(.*)\1$/.exec(source.slice(moduleRequest.start, moduleRequest.end))?.[2];
    if (specifier !== undefined) imports.push({ specifier, names: all });
  }
  // threads and children are named by address
  for (const [, specifier] of source.matchAll(/new URL\(\s*['"](\.[^'"]+\.js)['"],\s*import\.meta\.url/g))
    imports.push({ specifier: specifier!, names: all });
  const isBarrel = program.body.every(
    (statement) => statement.type === 'ExportNamedDeclaration' && statement.source !== null,
  );
  const made: Module = {
    digest: createHash('sha256')
      .update(without(source, [...comments, ...places]))
      .digest('hex')
      .slice(0, 16),
    imports,
    ...(isBarrel && { handsOn }),
  };
  known.set(file, made);
  return made;
}

/** A text without parts of it, and without empty lines. */
function without(source: string, parts: readonly { start: number; end: number }[]): string {
  let text = '';
  let at = 0;
  for (const { start, end } of [...parts].sort((a, b) => a.start - b.start)) {
    text += source.slice(at, start);
    at = Math.max(at, end);
  }
  const lines = (text + source.slice(at)).split('\n').map((line) => line.trimEnd());
  return lines.filter((line) => line !== '').join('\n');
}

/** A file of this repository that a module means; undefined for Node's own and for what others have made. */
function resolve(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('.')) return fileURLToPath(new URL(specifier, `file://${from}`));
  if (!specifier.startsWith('@fewstep/')) return undefined;
  return realpathSync(fileURLToPath(import.meta.resolve(specifier)));
}

/**
 * The modules of this repository that a module needs when it runs, itself among them, with the digests of their texts. Of
 * one that only hands on names of others, those are followed that are used.
 */
export function codeOf(file: string, root: string): Map<string, string> {
  const digests = new Map<string, string>();
  const visited = new Set<string>();
  const visit = (path: string, names: Names): void => {
    const { digest, imports, handsOn } = moduleAt(path);
    for (const name of handsOn && names !== 'all' ? names : []) {
      const from = handsOn?.get(name);
      const next = from && resolve(from.specifier, path);
      if (next) visit(next, new Set([from.name]));
    }
    if (handsOn && names !== 'all') return;
    if (visited.has(path)) return;
    visited.add(path);
    digests.set(relative(root, path).replace('/dist/', '/'), digest);
    for (const { specifier, names: used } of imports) {
      const next = resolve(specifier, path);
      if (next && existsSync(next)) visit(next, used);
    }
  };
  visit(file, all);
  return new Map([...digests].sort(([a], [b]) => (a < b ? -1 : 1)));
}
