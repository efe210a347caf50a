import { ok } from 'node:assert/strict';
import type { Group, Row } from './row.js';

const script = (official: string, here: string, note: string, command: string): Row => ({
  official: `\`${official}\``,
  here: `\`${here}\``,
  note,
  async check(world) {
    ok((await world.run('fewstep --help')).stdout.includes(`\n  ${command} `), command);
  },
});

/** The scripts, each with the command that does what it does. */
export const scripts: Group = {
  title: 'The scripts',
  rows: [
    script(
      'train.py',
      'fewstep run SPEC',
      'trains what a spec names, samples with it and scores that; flags are keys of the spec, or `--set KEY=VALUE`',
      'run',
    ),
    script('sample.py', 'fewstep sample --predictor FILE|NUMBER|NAME', 'or `fewstep sample SPEC`', 'sample'),
    script('fid.py calc, fid.py ref', 'fewstep fid calc, fewstep fid ref', '', 'fid'),
    script('dataset_tool.py', 'fewstep dataset', 'EDM’s, which its README refers to', 'dataset'),
    script(
      'example.ipynb',
      'fewstep predictors show',
      'and its images by `fewstep sample --predictor … --prompt TEXT`',
      'predictors',
    ),
    {
      official: '`launch.sh`',
      here: '`experiments/*.yaml`',
      note: 'a file for each data set, run by `fewstep run`',
      async check(world) {
        ok((await world.run('fewstep --help')).stdout.includes('\n  run '));
      },
    },
    script(
      'clip_score.py',
      'fewstep clip-score calc',
      'or `evaluate: [clip_score]`; it is in diff-solvers-main',
      'clip-score',
    ),
  ],
};
