import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileNames } from '@fewstep/models/families';
import { faultsIn } from '../judging/faults.js';
import type { JsonSchema } from '../judging/json-schema.js';
import { shown } from '../judging/shown.js';
import { didYouMean } from '../judging/suggest.js';
import { byFile, type Dataset, laidOut, type NamedDataset, type Surroundings } from './datasets.js';
import type { Complain } from './grid.js';
import { completeOnnxFolder } from './onnx-folder.js';
import { displayPath, type Problem, problem } from './problem.js';
import { type ModelFile, type RegistryEntry, registry } from './published-models.js';
import { mostSpecBytes, readSpec } from './read-yaml.js';
import { datasetSchema, type WrittenSpec } from './schema.js';
import { type Dict, dotted, nearestEntry, type Tree, toJs, treeOf } from './tree.js';

/*
 * What the name of a dataset stands for: an entry of `datasets.yaml` beside the spec, of the registry, or of a package that is
 * installed, `@fewstep/NAME` or one of another scope under its whole name. Such a package is data: its `dataset.yaml`, and the
 * files that this names.
 */

/** Names of datasets beside a spec, each with the keys that it stands for. */
export const besideSpec = 'datasets.yaml';
/** The keys that the name of a package stands for. */
const inPackage = 'dataset.yaml';

/** Those of a dataset, and the licence of its files. */
const keysSchema: JsonSchema = {
  ...datasetSchema,
  title: 'a map of the keys of dataset',
  properties: {
    ...datasetSchema.properties,
    licence: { type: 'string', minLength: 1, title: 'the licence of its files, as a sentence' },
  },
};

const own = dirname(fileURLToPath(import.meta.url));

type Found = NamedDataset | string;

/** What a name stands for, or why it is none that can be used: a sentence. Files are read anew each time. */
export function datasetNamed(name: string, surroundings: Surroundings): Found {
  const file = join(surroundings.specFolder, besideSpec);
  if (!existsSync(file)) return installed(name, surroundings);
  const { tree, problems } = readKeys(file, surroundings);
  if (!tree) return unusable(name, problems);
  const keys = tree.entries.get(name)?.value;
  const from = displayPath(file, surroundings.cwd);
  return keys
    ? entryOf({ name, keys, file, from, beneath: installed }, surroundings)
    : installed(name, surroundings);
}

/** One of the registry, or of a package. */
function installed(name: string, surroundings: Surroundings): Found {
  const file = Object.hasOwn(registry, name) ? undefined : fileOfPackage(name, surroundings.specFolder);
  if (file === undefined) return published(name, surroundings);
  const { tree: keys, problems } = readKeys(file, surroundings);
  const from = `the package ${packageOf(name)}`;
  return keys
    ? entryOf({ name, keys, file, from, beneath: published, isWhole: true }, surroundings)
    : unusable(name, problems);
}

/** One of the registry. */
function published(name: string, surroundings: Surroundings): Found {
  if (!Object.hasOwn(registry, name)) return noDataset(name, surroundings);
  const { files, family, sigmaMin, sigmaMax }: RegistryEntry = registry[name as keyof typeof registry];
  const { reference_data, feature_network, clip } = files;
  const { models: folder } = surroundings;
  const at = (file: ModelFile) => join(folder, file.name);
  return {
    name,
    from: 'the registry',
    keys: {
      checkpoint: at(files.checkpoint),
      sigma_min: sigmaMin,
      sigma_max: sigmaMax,
      ...byFile((file) => files[file] && at(files[file])),
      ...(reference_data && { reference_data: at(reference_data) }),
      ...(feature_network && { feature_network: at(feature_network) }),
      ...(clip && { clip: at(clip) }),
    },
    published: { files, folder, family },
  };
}

/** The names that a folder's specs may call datasets by: those beside them, of the registry, and of packages that are there. */
export function datasetNames(surroundings: Pick<Surroundings, 'specFolder' | 'cwd'>): string[] {
  const { tree } = readKeys(join(surroundings.specFolder, besideSpec), surroundings);
  const beside = tree?.kind === 'map' ? tree.entries.keys() : [];
  return [...new Set([...beside, ...packagesFrom(surroundings.specFolder), ...Object.keys(registry)])];
}

/** Those of a spec with what they stand for, each looked for once. */
export function datasetFinder(surroundings: Surroundings): (name: string) => Found {
  const known = new Map<string, Found>();
  return (name) => known.get(name) ?? known.set(name, datasetNamed(name, surroundings)).get(name)!;
}

function noDataset(name: string, surroundings: Surroundings): string {
  const names = datasetNames(surroundings);
  const [meant, packageName] = [didYouMean(name, names), packageOf(name)];
  const install =
    meant || packageName === undefined
      ? ''
      : ` Others come as packages: npm install ${packageName}, where that is one.`;
  return `${shown(name)} is no dataset${meant || '.'} One of ${[...names].sort().join(', ')}, or a map with checkpoint.${install}`;
}

/** @param told its keys, the file that they stand in, what that is called, and where a name among them is looked for */
function entryOf(
  told: {
    readonly name: string;
    readonly keys: Tree;
    readonly file: string;
    readonly from: string;
    readonly beneath: (name: string, surroundings: Surroundings) => Found;
    /** Its files are those beside it: a package of others has no business elsewhere. */
    readonly isWhole?: boolean;
  },
  surroundings: Surroundings,
): Found {
  const { name, keys, from } = told;
  const { place } = keys;
  const problems: Problem[] = [];
  const complain: Complain = (...given) => problems.push(problem(...given));
  for (const { path, sentence } of faultsIn(toJs(keys), keysSchema))
    complain(nearestEntry(keys, path).value.place, dotted(keys, path), sentence);
  if (problems.length > 0) return unusable(name, problems);
  const folder = dirname(told.file);
  const { dataset } = toJs(
    completeOnnxFolder(
      {
        kind: 'map',
        place,
        entries: new Map([
          ['dataset', { keys: [place], value: keys }],
          ['guidance', { keys: [place], value: treeOf({ type: 'cfg' }, place) }], // so that all it says is asked
        ]),
      },
      { specFolder: folder, cwd: surroundings.cwd },
      complain,
    ),
  ) as { readonly dataset: Keys };
  const { licence, ...written } = withPaths(dataset, (path) => {
    const absolute = resolve(folder, path);
    if (told.isWhole && !absolute.startsWith(folder + sep))
      complain(place, '', `${shown(path)} leads out of the package, whose files alone it may name.`);
    return absolute;
  });
  const found = written.name === undefined ? undefined : told.beneath(written.name, surroundings);
  if (typeof found === 'string') complain(place, 'name', found);
  const beneath = typeof found === 'string' ? undefined : found;
  const { name: _, entry: __, ...laid } = laidOut(written, beneath);
  if (!found && laid.checkpoint === undefined)
    complain(
      place,
      'checkpoint',
      'missing; write the file of its network, or as name a dataset that has one.',
    );
  if (problems.length > 0) return unusable(name, problems);
  return {
    name,
    keys: laid,
    from,
    ...(licence !== undefined && { licence }),
    ...(beneath?.published && { published: { ...beneath.published, files: filesLeft(laid, beneath) } }),
  };
}

/** The files that are still those of what is extended. */
const filesLeft = (laid: Dataset, { keys, published }: NamedDataset) =>
  Object.fromEntries(
    Object.entries(published?.files ?? {}).filter(([role]) => laid[role as 'clip'] === keys[role as 'clip']),
  );

type Keys = Exclude<WrittenSpec['dataset'], string> & { readonly licence?: string };

/** Keys of a dataset that are paths. */
export const pathKeys = [
  'checkpoint',
  ...fileNames,
  'tokenizer',
  'reference_data',
  'feature_network',
  'clip',
] as const;

/** The same keys, each path as `move` has it. */
export function withPaths<K extends object>(keys: K, move: (path: string) => string): K {
  const moved = (map: object, names: readonly string[]) =>
    Object.fromEntries(
      Object.entries(map).map(([key, value]) => [
        key,
        names.includes(key) && typeof value === 'string' ? move(value) : value,
      ]),
    );
  const { onnx } = keys as { readonly onnx?: object };
  return { ...moved(keys, pathKeys), ...(onnx && { onnx: moved(onnx, ['text_encoder', 'decoder']) }) } as K;
}

/** The package that a name may be of. */
const packageOf = (name: string): string | undefined => {
  const full = name.startsWith('@') ? name : `@fewstep/${name}`;
  return /^@[a-z0-9~-][a-z0-9._~-]*\/[a-z0-9~-][a-z0-9._~-]*$/.test(full) ? full : undefined;
};

/**
 * Where packages are found from a folder, then beside fewstep: beside this package, and what was called, whose dependencies may
 * be its own alone.
 */
const modulesFrom = (folder: string): string[] => [
  ...new Set(
    [folder, own, ...called()].flatMap(
      (from) => createRequire(join(from, 'from-here.js')).resolve.paths('any') ?? [],
    ),
  ),
];

function called(): string[] {
  const [, script] = process.argv;
  return script !== undefined && existsSync(script) ? [dirname(realpathSync(script))] : [];
}

function fileOfPackage(name: string, folder: string): string | undefined {
  const packageName = packageOf(name);
  if (packageName === undefined) return undefined;
  return modulesFrom(folder)
    .map((modules) => join(modules, packageName, inPackage))
    .flatMap((file) => (existsSync(file) ? [realpathSync(file)] : []))[0];
}

/** The names of the packages that are datasets. */
const packagesFrom = (folder: string): string[] =>
  modulesFrom(folder).flatMap((modules) =>
    namesIn(modules)
      .filter((scope) => scope.startsWith('@'))
      .flatMap((scope) => namesIn(join(modules, scope)).map((name) => `${scope}/${name}`))
      .filter((name) => existsSync(join(modules, name, inPackage)))
      .map((name) => name.replace(/^@fewstep\//, '')),
  );

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there
  }
}

const unusable = (name: string, problems: readonly Problem[]): string =>
  `${shown(name)} can't be used. ${problems.map(({ message }) => message).join(' ')}`;

/** The map of a file; undefined where there is none, with what is wrong. */
function readKeys(
  path: string,
  { cwd }: Pick<Surroundings, 'cwd'>,
): { readonly tree?: Dict; readonly problems: readonly Problem[] } {
  const file = displayPath(path, cwd);
  const refuse = (sentence: string) => ({
    problems: [problem({ file, line: 0, column: 0, layer: 0 }, '', sentence)],
  });
  let text: string;
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return refuse('this is no file.');
    if (stats.size > mostSpecBytes) return refuse(`${stats.size} bytes, far more than datasets take.`);
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    return refuse(`the file could not be read: ${(error as Error).message}.`);
  }
  const { tree, problems } = readSpec(text, file);
  if (!tree || problems.length > 0) return { problems };
  return tree.kind === 'map' ? { tree, problems } : refuse(`found ${shown(toJs(tree))}, expected a map.`);
}
