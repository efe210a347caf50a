import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Family, familyNamed, familyOf } from '@fewstep/models/families';
import { codeOf } from '../errors.js';
import { datasetEntry, type Surroundings } from './datasets.js';
import { type Complain, complainAt } from './grid.js';
import { guidances } from './guidances.js';
import { isSound, type Judged } from './judge.js';
import { isOnnx } from './onnx.js';
import { displayPath } from './problem.js';

/**
 * Complains about guidance that a model has not, by the family of the registry's entry or of the file that the spec names.
 * A file that is not there, or that doesn't tell its family by its names, is left to the task that reads it.
 */
export function guidanceJudge(
  { specFolder, cwd }: Pick<Surroundings, 'specFolder' | 'cwd'>,
  complain: Complain,
): (judged: Judged) => Promise<void> {
  const known = new Map<string, Promise<Family | undefined>>();
  const inFile = (path: string) => known.get(path) ?? known.set(path, familyAt(path)).get(path)!;
  return async ({ tree, spec: { dataset, guidance }, bad }) => {
    if (!isSound(['dataset', 'dataset.checkpoint', 'guidance'], bad) || isOnnx(dataset)) return;
    const isEntry = typeof dataset === 'string';
    // EDM's pickles are led by nothing, so that most specs need no look at their files
    if (!isEntry && !guidance && /\.pkl$/i.test(dataset.checkpoint)) return;
    const path = isEntry ? '' : resolve(specFolder, dataset.checkpoint);
    const family = isEntry ? familyNamed(datasetEntry(dataset).family) : await inFile(path);
    if (family === undefined) return;
    const has = family.guidance && guidances[family.guidance];
    const model = isEntry ? dataset : displayPath(path, cwd);
    const remedy = has && (isEntry ? `take ${family.guidance}` : has.remedy);
    const say = complainAt(tree, complain);
    if (guidance && guidance.type !== family.guidance)
      say(
        'guidance.type',
        `${model} has no guidance ${guidance.type}: ${remedy ?? 'remove guidance'}, or name another ${isEntry ? 'dataset' : 'checkpoint'}.`,
      );
    if (!guidance && has?.needed) say(isEntry ? 'dataset' : 'dataset.checkpoint', `${model} ${has.needed}`);
  };
}

async function familyAt(path: string): Promise<Family | undefined> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return familyOf({ path, isFolder: true, tensors: {} });
  if (!stats?.isFile()) return undefined;
  const { inspectCheckpoint } = await import('@fewstep/models');
  try {
    return familyNamed((await inspectCheckpoint(path)).family);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}
