import { basename, dirname, extname } from 'node:path';
import { RunnerError } from '../../errors.js';
import { samplerIn } from '../../experiment/given-sampler.js';
import { exported, type TargetName } from '../../export/targets.js';
import { findSampler } from '../../predictor/find-predictor.js';
import { noiseOf } from '../../predictor/predictor-steps.js';
import type { SamplerFile } from '../../sampler/sampler-file.js';
import { datasetGiven, datasetOf } from '../models/registry-files.js';
import { openResults, shownPath } from '../reports/output.js';
import type { Answer } from '../terminal/answer.js';
import { say } from '../terminal/say.js';

/**
 * `fewstep samplers export FILE|NAME --to diffusers|comfyui|json`: a sampler as the files that another program takes;
 * what it does otherwise there, on standard error.
 *
 * @throws RunnerError E_SAMPLER where it is none or can't go there, E_MODELS, E_RESULTS
 */
export async function samplersExport(
  told: string,
  { to, outdir, model }: { readonly to: TargetName; readonly outdir: string; readonly model?: string },
  answer: Answer,
): Promise<void> {
  if (/\.(?:pkl|pt|pth|safetensors)$/.test(told))
    throw refusal(
      told,
      `${told} is a predictor, which decides for each sample, so that it is no table. As it decides at a bottleneck of zeros it is one, which fewstep samplers compile writes of a spec with predictor and student.bottleneck: zero.`,
    );
  const path = await findSampler(told);
  const file = shownPath(path);
  const sampler = await samplerIn(path, file);
  if (typeof sampler === 'string') throw refusal(path, sampler);
  const noise = noiseFor(sampler, model);
  const { files, notes } = exported(to, { sampler, name: nameOf(path), noise });
  const results = await openResults(outdir);
  const written: string[] = [];
  for (const [name, text] of Object.entries(files)) written.push(await results.write(text, name));
  answer.object({ sampler: file, to, files: written, notes });
  for (const path of written) answer.line(path);
  for (const sentence of notes) say(sentence);
}

/** The times of the network that it is for: of the one that is told, else of the one that it was made for. */
function noiseFor({ model: { dataset } }: SamplerFile, told: string | undefined) {
  const own = dataset === undefined ? undefined : datasetOf(dataset);
  const known = told === undefined ? own : datasetGiven(told);
  return known ? noiseOf(known).table : undefined;
}

/** A file’s own name, or where that is sampler.json its folder’s, as a word of letters, digits and underscores. */
function nameOf(path: string): string {
  const own = basename(path, extname(path));
  return (own === 'sampler' ? basename(dirname(path)) : own).replace(/\W+/g, '_') || 'sampler';
}

const refusal = (sampler: string, sentence: string) =>
  new RunnerError('E_SAMPLER', sentence, { evidence: { sampler } });
