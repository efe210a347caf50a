import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseExperiment } from './parse-experiment.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-names-'));
  const solver = (name: string) =>
    `export default () => ({ name: '${name}', evaluations: 1, make: () => ({ init: (x) => ({ x }), *step(s) { return s; } }) });`;
  const score = (name: string, column: string) =>
    `export default () => ({ name: '${name}', needs: 'images', digits: { ${column}: 1 }, compute: () => ({ ${column}: 1 }) });`;
  const files = {
    amed: solver('amed'),
    one: solver('one'),
    other: solver('one'),
    choosy: `export default (f) => ({ name: 'choosy', evaluations: 1, options: { max_order: f.choice(['low', 'high'], 'low', 'Order.') }, make: () => ({ init: (x) => ({ x }), *step(s) { return s; } }) });`,
    cubic: `export default () => ({ name: 'gits', levels: () => [] });`,
    fid: score('fid', 'own'),
    column: score('own', 'recall'),
    sharp: score('sharp', 'sharp'),
    sharper: score('sharper', 'sharp'),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, `${name}.mjs`), text);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const parse = (more: string) =>
  parseExperiment(
    `name: own\ndataset: digits\nschedule: { type: polynomial }\nstudent: { solver: euler, num_steps: 3 }\ntrain: false\n${more}`,
    join(dir, 'spec.yaml'),
  );

// what a predictor's file, a key or a table calls by a name must not be another thing tomorrow
it.each([
  ['grid: { student.solver: [./amed.mjs] }', /amed\.mjs: its name "amed" is that of a solver of ours/],
  ['grid: { student.solver: [./one.mjs, ./other.mjs] }', /other\.mjs: its name "one" is that of .*one\.mjs/],
  ['grid: { schedule.type: [./cubic.mjs] }', /cubic\.mjs: its name "gits" is that of a schedule of ours/],
  [
    'grid: { student.solver: [./choosy.mjs] }',
    /choosy\.mjs: its option "max_order" is a choice, and another of that name is integer/,
  ],
  ['evaluate: [./fid.mjs]', /fid\.mjs: its name "fid" is that of the score fid/],
  ['evaluate: [./column.mjs]', /column\.mjs: its column "recall" is that of the score prdc/],
  ['evaluate: [./sharp.mjs, ./sharper.mjs]', /sharper\.mjs: its column "sharp" is that of .*sharp\.mjs/],
])('%s: a name that is taken is refused', async (more, said) => {
  await expect(parse(more)).rejects.toThrow(said);
});

it('one file may be named often', async () => {
  const { points } = await parse('grid: { student.solver: [./one.mjs, euler], student.num_steps: [3, 4] }');
  expect(points).toHaveLength(4);
});
