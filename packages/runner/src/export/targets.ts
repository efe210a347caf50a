import { RunnerError } from '../errors.js';
import { beyondTraining } from '../tasks/model-info.js';
import { comfyuiFiles } from './comfyui.js';
import { diffusersFiles } from './diffusers.js';
import type { Exported, Exporting } from './exporting.js';
import { tableJson } from './table-json.js';

/** Programs that samplers are exported to, by their names on the command line. */
const targets = {
  diffusers: diffusersFiles,
  comfyui: comfyuiFiles,
  json: tableJson,
} satisfies Record<string, (what: Exporting) => Exported>;

export type TargetName = keyof typeof targets;

/**
 * The files of a sampler for another program.
 *
 * @throws RunnerError (E_SAMPLER) where it asks for noise that the network has no time for, or the program has no place for it
 */
export function exported(target: TargetName, what: Exporting): Exported {
  const { noise, sampler } = what;
  const { sigmas } = sampler.table;
  const range = { sigmaMin: Math.min(...sigmas), sigmaMax: Math.max(...sigmas) };
  const beyond = noise && beyondTraining(range, noise);
  if (beyond) {
    const sigma = beyond.key === 'sigma_max' ? range.sigmaMax : range.sigmaMin;
    const k = sigmas.indexOf(sigma);
    throw new RunnerError(
      'E_SAMPLER',
      `table.sigmas[${k}] is ${sigma}, noise that the network has no time for, which was trained on ${noise.sigmaMin} to ${noise.sigmaMax}: take a sampler that was made for it, or say by --model which network it is for.`,
      { evidence: { index: k, sigma, sigmaMin: noise.sigmaMin, sigmaMax: noise.sigmaMax } },
    );
  }
  return targets[target](what);
}
