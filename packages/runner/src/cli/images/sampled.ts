import { join, resolve } from 'node:path';
import { RunnerError } from '../../errors.js';
import type { Experiment } from '../../experiment/experiment.js';
import type { Told } from '../../experiment/overrides.js';
import { experimentOf } from '../../experiment/parse-experiment.js';
import { displayPath } from '../../experiment/problem.js';
import { treeOf } from '../../experiment/tree.js';
import { findPredictor, findSampler } from '../../predictor/find-predictor.js';
import { workingFolder } from '../../workspace.js';
import { type Changes, readChanged } from '../specs/experiments.js';

/** Options that say what is sampled. */
export interface SampledOptions extends Changes {
  readonly predictor?: string;
  readonly sampler?: string;
  readonly dataset?: string;
  readonly seeds?: string;
  readonly batch?: string;
  readonly prompt?: string;
  readonly prompts?: string;
}

/** A key of the spec that an option gives: what it takes the place of, and what its text stands for. */
interface Key extends Omit<Told, 'value' | 'option'> {
  readonly read?: (text: string) => unknown;
}

/** What a spec says of what samples, which a predictor's or table's file says then. */
const ofSampler = ['student', 'schedule', 'train', 'teacher', 'predictor', 'sampler', 'grid'];
const prompting = ['guidance.prompt', 'guidance.prompts'];
const keys: {
  readonly [N in Exclude<keyof SampledOptions, keyof Changes | 'predictor' | 'sampler'>]-?: Key;
} = {
  dataset: { path: 'dataset' },
  seeds: { path: 'sample.seeds' },
  batch: { path: 'sample.batch', read: (text) => (/^\d+$/.test(text) ? Number(text) : text) },
  prompt: { path: 'guidance.prompt', inPlaceOf: prompting },
  prompts: { path: 'guidance.prompts', inPlaceOf: prompting, read: (file) => resolve(workingFolder(), file) },
};

/**
 * What is sampled: a spec with what options say, or what these and the file of a predictor or table say alone.
 *
 * @throws RunnerError E_USAGE, E_PREDICTOR, E_SAMPLER; SpecError (E_SPEC), whose places are options or that file
 */
export async function sampledBy(spec: string | undefined, options: SampledOptions): Promise<Experiment> {
  const { set, only } = options;
  const told = toldBy(options);
  const key = options.sampler === undefined ? 'predictor' : 'sampler';
  const { [key]: named } = options;
  if (options.predictor !== undefined && options.sampler !== undefined)
    throw new RunnerError(
      'E_USAGE',
      '--predictor and --sampler both say what is sampled with: give one of them.',
    );
  if (named === undefined) {
    if (spec !== undefined) return readChanged(spec, { told, set, only, unscored: true });
    throw new RunnerError(
      'E_USAGE',
      'there is nothing to sample: name a spec, or a trained predictor, as --predictor network-snapshot-000010.pkl, or a table, as --sampler sampler.json.',
    );
  }
  const file = key === 'sampler' ? await findSampler(named) : await findPredictor(named);
  const given = { path: key, value: file, option: `--${key} ${named}` };
  if (spec !== undefined)
    return readChanged(spec, {
      ...{ told: [{ ...given, inPlaceOf: ofSampler }, ...told], set, only },
      unscored: true,
    });
  const cwd = workingFolder();
  const place = { file: displayPath(file, cwd), line: 0, column: 0, layer: 0 } as const;
  return experimentOf(treeOf({ name: 'sample', [key]: file }, place), join(cwd, 'sample'), {
    ...{ told, set, only },
    unscored: true,
  });
}

/** What options give keys of a spec. */
export function toldBy(options: Partial<Record<keyof typeof keys, string>>): Told[] {
  if (options.prompt !== undefined && options.prompts !== undefined)
    throw new RunnerError(
      'E_USAGE',
      '--prompt and --prompts both say what the images are to show: give one of them.',
    );
  return Object.entries(keys).flatMap(([name, { read = (given: string) => given, ...key }]): Told[] => {
    const text = options[name as keyof typeof keys];
    return text === undefined ? [] : [{ ...key, value: read(text), option: `--${name} ${text}` }];
  });
}
