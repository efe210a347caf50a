import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { codeOf } from '../errors.js';
import { shown } from '../judging/shown.js';
import type { GuidanceSettings } from '../predictor/predictor-settings.js';
import type { NamedDataset, Surroundings } from './datasets.js';
import type { Combination, Complain } from './grid.js';
import { displayPath } from './problem.js';
import { type Dict, type Entry, entryAt, flatten, graft, toJs, treeOf } from './tree.js';

/** What a file says of what is sampled with it. */
export interface ToldByFile {
  /** Name of what it was made for; left out where the file doesn't tell. */
  readonly dataset?: string;
  /** Sections of a spec, with every option that is read. */
  readonly settings: {
    readonly schedule: object;
    readonly student: object;
    readonly guidance?: GuidanceSettings;
  };
}

/** Files of a kind, which a spec names under a key in place of what they say. */
export interface FileKind<T extends ToldByFile> {
  readonly key: 'predictor' | 'sampler';
  /** What was done with what it says. */
  readonly made: 'trained' | 'made';
  /** What it does to a denoiser. */
  readonly does: 'steer' | 'sample';
  /** The file as `file` in messages, or why it is none of these. */
  read(absolute: string, file: string): Promise<T | string>;
  /** Whether so much is written that the file need not be there to plan by. */
  saysAll(tree: Dict): boolean;
  /** Whether a key that the file tells and nobody writes is left to the data all the same. */
  leavesOpen(key: string, told: T): boolean;
  /** Whether something else may be written than what the file says. */
  mayDiffer(key: string): boolean;
}

/** A combination with what a file of it says. */
export interface Completed extends Combination {
  /** Paths that there is nothing more to say about. */
  readonly doubtful: ReadonlySet<string>;
}

interface CompletedBy<T> extends Completed {
  /** Where the file was read. */
  readonly told?: { readonly absolute: string; readonly file: string; readonly read: T };
}

/** Where files are looked for, and what the names of datasets stand for. */
export type Completing = Pick<Surroundings, 'specFolder' | 'cwd'> & {
  readonly find: (name: string) => NamedDataset | string;
};

/**
 * Lays what a file says beneath what is written: `dataset`, `student`, `schedule` and `guidance` but its prompt may be left
 * out, and what they say must be what the file says. The dataset may be another one.
 */
export function completer<T extends ToldByFile>(
  { specFolder, cwd, find }: Completing,
  complain: Complain,
  kind: FileKind<T>,
): (combination: Combination) => Promise<CompletedBy<T>> {
  const { key: named, made } = kind;
  const known = new Map<string, T | string>();
  return async (combination) => {
    const written = combination.tree.entries.get(named)?.value;
    if (written === undefined) return { ...combination, doubtful: new Set() };
    const isSilent = !combination.tree.entries.has('dataset');
    const unknown = ['schedule', 'student', ...(isSilent ? ['dataset'] : [])];
    const path = toJs(written);
    if (typeof path !== 'string' || path === '') return { ...combination, doubtful: new Set(unknown) };
    const absolute = resolve(specFolder, path);
    const file = displayPath(absolute, cwd);
    const read = known.get(absolute) ?? (await kind.read(absolute, file));
    known.set(absolute, read);
    if (typeof read === 'string') {
      // what a spec says itself is enough to plan by; a run asks for the file
      if (kind.saysAll(combination.tree) && !existsSync(absolute))
        return { ...combination, doubtful: new Set() };
      complain(written.place, named, read);
      return { ...combination, doubtful: new Set([named, ...unknown]) };
    }
    const { dataset, settings } = read;
    const doubtful = new Set<string>();
    let { tree } = combination;
    if (isSilent)
      if (dataset !== undefined && typeof find(dataset) !== 'string')
        tree = graft(tree, ['dataset'], { keys: [written.place], value: treeOf(dataset, written.place) })!;
      else {
        doubtful.add('dataset');
        const of =
          dataset === undefined
            ? `does not say what it was ${made} on`
            : `was ${made} on ${dataset}, which is no dataset here`;
        complain(
          written.place,
          named,
          `${file} ${of}: say as dataset (fewstep sample --dataset) whose denoiser it is to ${kind.does}: a name that fewstep models list has, or in a spec a map with its checkpoint.`,
        );
      }
    if (!settings.guidance && !entryAt(tree, ['guidance', 'type']))
      for (const key of ['guidance.prompt', 'guidance.prompts']) {
        const there = entryAt(tree, key.split('.'));
        if (there === undefined) continue;
        doubtful.add('guidance');
        complain(there.value.place, key, `nothing reads it: ${file} was ${made} without prompts. Remove it.`);
      }
    const told: Entry = { keys: [written.place], value: treeOf(settings, written.place) };
    for (const [key, entry] of flatten(told, '')) {
      const steps = key.split('.');
      const there = entryAt(tree, steps);
      const value = toJs(entry.value);
      if (there === undefined) {
        if (!kind.leavesOpen(key, read)) tree = graft(tree, steps, entry) ?? tree;
      } else if (!kind.mayDiffer(key) && JSON.stringify(toJs(there.value)) !== JSON.stringify(value)) {
        doubtful.add(key);
        complain(
          there.value.place,
          key,
          `found ${shown(toJs(there.value))}, but ${file} was ${made} with ${shown(value)}: remove the key, for the file says it, or take another ${named}.`,
        );
      }
    }
    return { ...combination, tree, doubtful, told: { absolute, file, read } };
  };
}

/** What a file holds, or why it holds none of what it is named for. `names`: how such a file is named. */
export async function readBounded<T>(
  absolute: string,
  file: string,
  {
    noun,
    names,
    mostBytes,
    parse,
  }: {
    readonly noun: string;
    readonly names: string;
    readonly mostBytes: number;
    readonly parse: (bytes: Uint8Array) => T | Promise<T>;
  },
): Promise<T | string> {
  try {
    const stats = await stat(absolute);
    if (!stats.isFile()) return `${file} is no file; name ${names}.`;
    if (stats.size > mostBytes)
      return `${file} has ${stats.size} bytes, far more than a ${noun}; is it a checkpoint of a denoiser, for dataset?`;
    return await parse(await readFile(absolute));
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return `there is no ${file}; the path is relative to the spec.`;
    if (code === undefined) throw error;
    return code.startsWith('E_')
      ? `${file} is no ${noun} to sample with: ${(error as Error).message}`
      : `${file} can't be read: ${(error as Error).message}.`;
  }
}
