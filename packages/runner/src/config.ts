import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { displayPath, type Place, problem, SpecError } from './experiment/problem.js';
import { textOf } from './experiment/read-experiment.js';
import { readYaml } from './experiment/read-yaml.js';
import type { Tree } from './experiment/tree.js';
import { shown, shownKey } from './judging/shown.js';
import { didYouMean } from './judging/suggest.js';
import { configName, workingFolder } from './workspace.js';

/** What `fewstep.config.yaml` says; all of it is a default, which the environment and the command line come before. */
export interface Config {
  /** Its path, as people read it, and the folder that it is in. */
  readonly file: string;
  readonly folder: string;
  /** As `--cache`; a relative place is relative to the file. */
  readonly cache?: string;
}

const keys = ['cache'];

/**
 * That of the nearest folder that has one, from a folder upwards; undefined where none has. It may be empty.
 *
 * @throws SpecError (E_SPEC) with everything that is wrong in it
 */
export async function configAbove(folder: string): Promise<Config | undefined> {
  const path = join(folder, configName);
  if (existsSync(path)) return read(path);
  return dirname(folder) === folder ? undefined : configAbove(dirname(folder));
}

async function read(path: string): Promise<Config> {
  const file = displayPath(path, workingFolder());
  const config = { file, folder: dirname(path) };
  const text = await textOf(path, config.folder);
  if (text.split('\n').every((line) => /^\s*(#.*)?$/.test(line))) return config;
  const { tree, problems } = readYaml(text, (line, column): Place => ({ file, line, column, layer: 0 }));
  if (tree && tree.kind !== 'map')
    problems.push(
      problem(tree.place, '', `${shown(contentOf(tree))} is none; it is a map, as "cache: dir:/mnt/lab".`),
    );
  const entries = tree?.kind === 'map' ? [...tree.entries] : [];
  for (const [key, entry] of entries)
    if (!keys.includes(key))
      problems.push(
        problem(
          entry.keys[0]!,
          shownKey(key),
          `there is no such key${didYouMean(key, keys) || '.'} The keys: ${keys.join(', ')}.`,
        ),
      );
  const cache = entries.find(([key]) => key === 'cache')?.[1].value;
  if (cache && !(cache.kind === 'leaf' && typeof cache.value === 'string' && cache.value !== ''))
    problems.push(
      problem(
        cache.place,
        'cache',
        `${shown(contentOf(cache))} names no cache; a text as "dir:/mnt/lab", or "none".`,
      ),
    );
  if (problems.length > 0) throw new SpecError(problems);
  return cache?.kind === 'leaf' ? { ...config, cache: cache.value as string } : config;
}

/** As `shown` takes it. */
const contentOf = (tree: Tree): unknown =>
  tree.kind === 'leaf' ? tree.value : tree.kind === 'list' ? tree.items : {};
