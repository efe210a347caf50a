import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { codeOf } from '../errors.js';
import type { Surroundings } from './datasets.js';
import type { Complain } from './grid.js';
import { isSound, type Judged } from './judge.js';
import { isOnnx } from './onnx.js';
import { displayPath } from './problem.js';
import type { Spec } from './schema.js';
import { nearestEntry } from './tree.js';

type GuidanceType = NonNullable<Spec['guidance']>['type'];

/** What networks of a family are led by. */
const guidanceOfFamily: Readonly<Record<string, GuidanceType | 'none'>> = {
  edm: 'none',
  cm: 'none',
  adm: 'cg',
  ldm: 'uncond',
  'stable-diffusion': 'cfg',
};

const remedies: Readonly<Record<GuidanceType | 'none', string>> = {
  none: 'remove guidance',
  cg: 'take cg, with its classifier’s file as dataset.classifier',
  cfg: 'take cfg, with a prompt',
  uncond: 'take uncond',
};

/**
 * Complains about guidance that a checkpoint has not, where the spec names the file itself. A file that is not there, or
 * that doesn't tell its family by its names, is left to the task that reads it.
 */
export function guidanceJudge(
  { specFolder, cwd }: Pick<Surroundings, 'specFolder' | 'cwd'>,
  complain: Complain,
): (judged: Judged) => Promise<void> {
  const known = new Map<string, Promise<GuidanceType | 'none' | undefined>>();
  return async ({ tree, spec: { dataset, guidance }, bad }) => {
    if (typeof dataset === 'string' || !isSound(['dataset', 'dataset.checkpoint', 'guidance'], bad)) return;
    // EDM's pickles are led by nothing, so that most specs need no look at their files; nor are ONNX files, by a rule
    if ((!guidance && /\.pkl$/i.test(dataset.checkpoint)) || isOnnx(dataset)) return;
    const path = resolve(specFolder, dataset.checkpoint);
    const has = await (known.get(path) ?? known.set(path, guidanceIn(path)).get(path)!);
    const file = displayPath(path, cwd);
    const say = (key: string, sentence: string) =>
      complain(nearestEntry(tree, key.split('.')).value.place, key, sentence);
    if (has === undefined) return;
    if (guidance && guidance.type !== has)
      say(
        'guidance.type',
        `${file} has no guidance ${guidance.type}: ${remedies[has]}, or name another checkpoint.`,
      );
    if (!guidance && has === 'cfg')
      say('dataset.checkpoint', `${file} draws what it is told: add guidance: { type: cfg, prompt: … }.`);
  };
}

async function guidanceIn(path: string): Promise<GuidanceType | 'none' | undefined> {
  const stats = statSync(path, { throwIfNoEntry: false });
  // diffusers' layout
  if (stats?.isDirectory()) return existsSync(join(path, 'text_encoder')) ? 'cfg' : undefined;
  if (!stats?.isFile()) return undefined;
  const { inspectCheckpoint } = await import('@fewstep/models');
  try {
    const { family } = await inspectCheckpoint(path);
    return family === undefined ? undefined : guidanceOfFamily[family];
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}
