import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { RunnerError } from '../errors.js';
import { datasetNames } from '../experiment/published-models.js';
import { exported, type TargetName } from '../export/targets.js';
import { noiseOf } from '../predictor/predictor-steps.js';
import { mostBytes, parseSampler, type SamplerFile } from '../sampler/sampler-file.js';
import type { Answer } from './answer.js';
import { openResults, shownPath } from './output.js';
import { isModelName, registryName } from './registry-files.js';
import { say } from './say.js';

/**
 * `fewstep samplers export FILE --to diffusers|comfyui|json`: a sampler as the files that another program takes, what it does
 * otherwise there on standard error.
 *
 * @throws RunnerError E_SAMPLER where it is none or can't go there, E_MODELS, E_RESULTS
 */
export async function samplersExport(
  file: string,
  { to, outdir, model }: { readonly to: TargetName; readonly outdir: string; readonly model?: string },
  answer: Answer,
): Promise<void> {
  const sampler = await samplerIn(file);
  const noise = noiseFor(sampler, model);
  const { files, notes } = exported(to, { sampler, name: nameOf(file), noise });
  const results = await openResults(outdir);
  const written: string[] = [];
  for (const [name, text] of Object.entries(files)) written.push(await results.write(text, name));
  answer.object({ sampler: shownPath(resolve(file)), to, files: written, notes });
  for (const path of written) answer.line(path);
  for (const sentence of notes) say(sentence);
}

async function samplerIn(file: string): Promise<SamplerFile> {
  const refusal = (sentence: string, cause?: unknown) =>
    new RunnerError('E_SAMPLER', `${shownPath(resolve(file))}: ${sentence}`, { cause, evidence: { file } });
  if (/\.(?:pkl|pt|pth|safetensors)$/.test(file))
    throw refusal(
      'a predictor decides for each sample, so that it is no table. As it decides at a bottleneck of zeros it is one, which fewstep samplers compile writes of a spec with predictor and student.bottleneck: zero.',
    );
  try {
    const { size } = await stat(file);
    if (size > mostBytes)
      throw refusal(`it has ${size} bytes, far more than a sampler’s table: name a sampler.json.`);
    return parseSampler(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof RunnerError) throw error;
    throw refusal(`it can’t be read (${(error as Error).message}): name a sampler.json.`, error);
  }
}

/** The times of the network that it is for: of the one that is told, else of the one that it was made for. */
function noiseFor({ model: { dataset } }: SamplerFile, told: string | undefined) {
  const name = told === undefined ? datasetNames.find((one) => one === dataset) : registryName(told);
  if (name === undefined) return undefined;
  if (isModelName(name)) return noiseOf(name).table;
  throw new RunnerError(
    'E_USAGE',
    `--model ${name} is no model that is sampled: take one of ${datasetNames.join(', ')}.`,
  );
}

/** A file’s own name, or where that is sampler.json its folder’s, as a word of letters, digits and underscores. */
function nameOf(file: string): string {
  const path = resolve(file);
  const own = basename(path, extname(path));
  return (own === 'sampler' ? basename(dirname(path)) : own).replace(/\W+/g, '_') || 'sampler';
}
