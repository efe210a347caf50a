import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { imageSeed } from '@fewstep/metrics/image-names';
import { RunnerError } from '../../errors.js';
import type { ExecutorOptions } from '../../execute/experiment-executor.js';
import { clipProblem } from '../../experiment/judge-clip.js';
import { promptsIn } from '../../experiment/prompts-file.js';
import { compileClip, type SeededSet } from '../../graph/clip.js';
import { imagesOf, tasksOf } from '../../report/image-counts.js';
import { clipNetworkTold } from '../models/network-told.js';
import { pathNamed, pathOrNamed } from '../models/registry-files.js';
import { shownPath } from '../reports/output.js';
import { demand, work } from '../run/work.js';
import { type CacheOption, openWorld, type StoreOptions } from '../run/world.js';
import type { Answer } from '../terminal/answer.js';
import { checkDrawing, drawn } from './drawn.js';
import { pathOf, search } from './fid-files.js';

export interface ClipScoreOptions extends StoreOptions, CacheOption, ExecutorOptions {
  readonly clip: string;
  readonly clipNetwork?: string;
  readonly prompts?: string;
  readonly num?: number;
  readonly seed?: number;
  readonly batch?: number;
}

/** `fewstep clip-score calc IMAGES…`: the CLIP score of each set of images, each held against the prompt of its seed. */
export async function clipScoreCalc(
  images: readonly string[],
  options: ClipScoreOptions,
  answer: Answer,
): Promise<void> {
  const { num, seed = 0, batch } = options;
  checkDrawing(options);
  const network = clipNetworkTold(options.clipNetwork);
  const { look, end } = search();
  const paths = images.map((path) => look('images', () => pathOf(path)));
  const file = look('clip', () => resolve(pathOrNamed(options.clip, 'clip')));
  const list = look('prompts', () =>
    options.prompts === undefined ? pathNamed('ms_coco', 'prompts') : pathOf(options.prompts),
  );
  end();
  const problem = await clipProblem(file, network);
  if (problem)
    throw new RunnerError(
      'E_FILE',
      `clip: ${problem.why}${problem.isAsked ? '. Write that as --clip-network' : ''}`,
      { evidence: { path: file } },
    );
  const prompts = await promptsIn(list);
  const sets: SeededSet[] = [];
  for (const path of paths) sets.push(await seeded(path, num, seed));
  const world = await openWorld(options);
  const tasks = compileClip(sets, prompts, {
    clip: { file, ...(options.clipNetwork !== undefined && { network }) },
    ...(batch !== undefined && { batch }),
  });
  const execution = await work(tasks, world);
  const scored = [];
  for (const [i, task] of tasks.entries()) {
    const record = execution.records.get(task);
    if (!record) continue;
    const path = await world.store.blob(record.outputs.value!);
    const score = JSON.parse(await readFile(path!, 'utf8'));
    const count = imagesOf(execution, tasksOf(task.inputs.features));
    const of = sets[i]!.drawn?.of;
    scored.push({ set: images[i], ...score, images: count, ...(of !== undefined && { of, seed }) });
    const name = images.length > 1 ? `${images[i]}: ` : '';
    const which = of === undefined ? `${count} images` : `${count} of ${of} images, drawn with seed ${seed},`;
    const error = score.clip_score_se === undefined ? '' : `, standard error ${score.clip_score_se}`;
    answer.line(
      `clip_score ${score.clip_score}${error} (${name}${which} by ${shownPath(file)} on ${prompts.length} prompts of ${shownPath(list)})`,
    );
  }
  answer.object({ clip: shownPath(file), prompts: shownPath(list), sets: scored });
  demand(execution);
}

/**
 * The images of a set, or those that are drawn of it, each with its seed as its name tells it.
 *
 * @throws RunnerError E_IMAGES where a name tells none, or two tell the same
 */
async function seeded(path: string, num: number | undefined, seed: number): Promise<SeededSet> {
  const { listImages } = await import('@fewstep/metrics/images');
  const names = await listImages(path);
  const nameOf = new Map<number, string>();
  for (const name of names) {
    const own = imageSeed(name);
    const fail = (why: string) =>
      new RunnerError('E_IMAGES', `${path}: ${name} ${why}`, { evidence: { file: path, entry: name } });
    if (own === undefined)
      throw fail(
        'tells no seed, so that nobody knows its prompt: images are named by their seeds, as 000017.png or 000000/000017.png, which fewstep sample and the official sampler do. Rename it, or move it away',
      );
    const other = nameOf.get(own);
    if (other !== undefined)
      throw fail(`is of seed ${own}, as ${other} is: score the images of one sampler at a time`);
    nameOf.set(own, name);
  }
  const [seeds, count] = [[...nameOf.keys()], names.length];
  const part = await drawn(path, count, num, seed);
  return {
    data: path,
    count,
    drawn: part,
    seeds: part ? part.numbers.map((number) => seeds[number]!) : seeds,
  };
}
