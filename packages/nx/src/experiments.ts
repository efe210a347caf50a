import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CreateNodes, TargetConfiguration } from 'nx/src/devkit-exports';
import { inputsOf } from './inputs.js';

/** What lies in a folder of results, in which the spec of a run is no experiment of its own. */
const resultsMark = '.fewstep-results';

/**
 * The name of the experiment that a YAML text is, told by what it is: `name`, and what is sampled (`student`, `sampler` or
 * `predictor`, or a `grid` of such), at the left margin. What is wrong within it is for its target `validate` to say.
 */
export function experimentNamed(text: string): string | undefined {
  const [, name] =
    /^name:[ \t]+['"]?([\p{L}\p{N}][\p{L}\p{N}._-]*)['"]?[ \t]*(?:#.*)?\r?$/mu.exec(text) ?? [];
  return /^(student|sampler|predictor|grid):/m.test(text) ? name : undefined;
}

/** The same for every experiment: what is different is in its file, which is the root of its project, and its name. */
const fewstep = (command: string): TargetConfiguration => ({ command: `fewstep ${command} {projectRoot}` });

/**
 * Every experiment of a workspace as a project of its name, tagged `experiment`, with the targets `validate`, `plan`,
 * `run` and `report`. Nx hashes the whole of a project's configuration into each of its tasks, so it is one constant; what tells
 * experiments apart is the content of their inputs: the file, and those that it names.
 *
 * What Nx keeps of `run` is its receipt, and never results: these are in the store. A plan and a report are of the store as it is
 * now, so nothing is kept of them.
 */
export const createNodes: CreateNodes = [
  '**/*.{yaml,yml}',
  (files, _, { workspaceRoot }) =>
    files.flatMap((file) => {
      if (existsSync(join(workspaceRoot, dirname(file), resultsMark))) return [];
      const text = readFileSync(join(workspaceRoot, file), 'utf8');
      const name = experimentNamed(text);
      if (name === undefined) return [];
      const cached = { cache: true, inputs: inputsOf(file, text, workspaceRoot) };
      const targets: Record<string, TargetConfiguration> = {
        validate: { ...fewstep('validate'), ...cached },
        plan: fewstep('plan'),
        run: {
          ...fewstep('run --results results'),
          ...cached,
          outputs: ['{workspaceRoot}/results/{projectName}/receipt.json'],
          // each run has the whole machine
          parallelism: false,
        },
        report: fewstep('report --results results'),
      };
      return [[file, { projects: { [file]: { name, root: file, tags: ['experiment'], targets } } }]];
    }),
];
