import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Inspection } from '@fewstep/models';
import { type CheckpointOptions, type Family, familyNamed } from '@fewstep/models/families';
import { codeOf } from '../errors.js';
import { byFile, publishedFile, type Surroundings } from './datasets.js';
import { type Complain, complainAt } from './grid.js';
import { guidances, isRead } from './guidances.js';
import { isSound, type Judged } from './judge.js';
import { isOnnx } from './onnx.js';
import { displayPath } from './problem.js';
import { networkOf } from './resolve.js';
import type { Spec } from './schema.js';

/**
 * Complains about what a model's file doesn't say of its network and the spec neither, and about guidance that the model
 * has not, by the registry's entry or the file that the spec names. A file that is not there, or that doesn't tell its
 * family by its names, is left to the task that reads it.
 */
export function checkpointJudge(
  { specFolder, cwd }: Pick<Surroundings, 'specFolder' | 'cwd'>,
  complain: Complain,
): (judged: Judged) => Promise<void> {
  const known = new Map<string, Promise<Found>>();
  const inFile = (path: string, told: CheckpointOptions) => {
    const id = JSON.stringify([path, told]);
    return known.get(id) ?? known.set(id, findingsAt(path, told)).get(id)!;
  };
  return async ({ tree, spec: { dataset, guidance }, bad }) => {
    const keys = ['dataset', 'dataset.checkpoint', 'dataset.network', 'dataset.classifier', 'guidance'];
    if (!isSound(keys, bad) || isOnnx(dataset)) return;
    const isEntry = publishedFile(dataset, 'checkpoint') !== undefined;
    // EDM's pickles are led by nothing and say it all, so that most specs need no look at their files
    if (!isEntry && !guidance && !dataset.network && /\.pkl$/i.test(dataset.checkpoint)) return;
    const say = complainAt(tree, complain);
    const { family, problem }: Found = isEntry
      ? { family: familyNamed(dataset.entry!.published!.family) }
      : await inFile(resolve(specFolder, dataset.checkpoint), toldOf(dataset, specFolder, guidance?.type));
    const model = isEntry ? dataset.entry!.name : displayPath(resolve(specFolder, dataset.checkpoint), cwd);
    // of a first stage that is not there nothing can be told yet
    const { first_stage } = isEntry ? {} : dataset;
    const isWhole = first_stage === undefined || existsSync(resolve(specFolder, first_stage));
    if (problem !== undefined && isWhole) say('dataset.checkpoint', `${model}: ${problem}.`);
    if (family === undefined) return;
    const has = family.guidance && guidances[family.guidance];
    const remedy = has && (isEntry ? `take ${family.guidance}` : has.remedy);
    if (guidance && guidance.type !== family.guidance)
      say(
        'guidance.type',
        `${model} has no guidance ${guidance.type}: ${remedy ?? 'remove guidance'}, or name another ${isEntry ? 'dataset' : 'checkpoint'}.`,
      );
    if (!guidance && has?.needed) say(isEntry ? 'dataset' : 'dataset.checkpoint', `${model} ${has.needed}`);
  };
}

type Guidance = NonNullable<Spec['guidance']>['type'];

/** What the spec says of a network, and the files beside that are there. */
function toldOf(
  dataset: Spec['dataset'],
  specFolder: string,
  guidance: Guidance | undefined,
): CheckpointOptions {
  const there = (path: string) => (existsSync(path) ? path : undefined);
  const beside = byFile((name) => {
    const file = dataset[name];
    return file === undefined || !isRead(`dataset.${name}`, guidance)
      ? undefined
      : there(resolve(specFolder, file));
  });
  const { classifier: asked } = dataset;
  // of a classifier that is not there nothing can be told yet
  const told = networkOf(
    dataset.network ?? {},
    beside.classifier === undefined && asked ? undefined : guidance,
  );
  return { ...told, ...beside };
}

interface Found {
  readonly family: Family | undefined;
  readonly problem?: string;
}

async function findingsAt(path: string, told: CheckpointOptions): Promise<Found> {
  const stats = statSync(path, { throwIfNoEntry: false });
  const isFolder = stats?.isDirectory() ?? false;
  if (!isFolder && !stats?.isFile()) return { family: undefined };
  const { inspectCheckpoint } = await import('@fewstep/models');
  let found: Inspection;
  try {
    found = await inspectCheckpoint(path, told);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return { family: undefined, ...(isFolder && { problem: (error as Error).message }) };
  }
  const family = familyNamed(found.family);
  const { problem } = found;
  // what its inspection isn't told may mend what it finds
  const isCertain = problem !== undefined && (found.family === undefined || family?.inspectsAsRead === true);
  return { family, ...(isCertain && { problem }) };
}
