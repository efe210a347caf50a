import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ClipTold } from '@fewstep/models';
import { scoreNamed } from '../scores/scores.js';
import { publishedFile, type Surroundings } from './datasets.js';
import { type Complain, complainAt } from './grid.js';
import { isSound, type Judged } from './judge.js';

/**
 * Complains about a CLIP that a score is to take and that can't be read, or is not told enough of, by the names and shapes in
 * its file. One that is not there is left to `missingFiles`, one of the registry is known.
 */
export function clipJudge(
  { specFolder }: Pick<Surroundings, 'specFolder'>,
  complain: Complain,
): (judged: Judged) => Promise<void> {
  const known = new Map<string, Promise<ClipProblem | undefined>>();
  return async ({ tree, spec: { dataset, evaluate = [] }, bad }) => {
    if (!isSound(['dataset', 'dataset.clip', 'dataset.clip_network', 'evaluate'], bad)) return;
    if (dataset.clip === undefined || publishedFile(dataset, 'clip')) return;
    if (!evaluate.some((name) => scoreNamed(name)?.needs === 'prompts')) return;
    const path = resolve(specFolder, dataset.clip);
    const id = JSON.stringify([path, dataset.clip_network]);
    const problem = await (known.get(id) ?? known.set(id, clipProblem(path, dataset.clip_network)).get(id)!);
    if (!problem) return;
    const remedy = problem.isAsked ? ' Write that as dataset.clip_network.' : '';
    complainAt(tree, complain)('dataset.clip', `${problem.why}.${remedy}`);
  };
}

/** Why a CLIP can't be opened, from its path on and without a full stop; and whether more must be told. */
export interface ClipProblem {
  readonly why: string;
  readonly isAsked: boolean;
}

/** What keeps a file from being a CLIP, as its names and shapes say; nothing where it is one, or not there. */
export async function clipProblem(path: string, told: ClipTold = {}): Promise<ClipProblem | undefined> {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
  const { ModelError, openClipCheckpoint } = await import('@fewstep/models');
  try {
    (await openClipCheckpoint(path, told)).close();
    return undefined;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { why: error.message, isAsked: error.evidence.asked !== undefined };
  }
}
