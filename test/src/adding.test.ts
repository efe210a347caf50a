import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { root } from './command-line.js';

/** What docs/adding.md says of how many files a thing is, the registry included. */
const adding = [
  ['solver', 2],
  ['student', 2],
  ['schedule', 2],
  ['score', 3],
] as const;
const patchOf = (what: string) => join(root, `test/adding/${what}.patch`);

/** A repository like this one, but for tests; its packages find each other. */
let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'fewstep-adding-'));
  const isTest = /\.test\.|node_modules|\.tsbuildinfo$/;
  await cp(join(root, 'packages'), join(copy, 'packages'), {
    recursive: true,
    filter: (path) => !isTest.test(relative(root, path)),
  });
  await cp(join(root, 'tsconfig.base.json'), join(copy, 'tsconfig.base.json'));
  const modules = join(copy, 'node_modules');
  await mkdir(join(modules, '@fewstep'), { recursive: true });
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '@fewstep') await symlink(join(root, 'node_modules', name), join(modules, name));
  for (const name of await readdir(join(copy, 'packages')))
    await symlink(join(copy, 'packages', name), join(modules, '@fewstep', name));
  for (const [what] of adding) execFileSync('git', ['apply', patchOf(what)], { cwd: copy });
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'packages/runner'], {
    cwd: copy,
  });
}, 120_000);
afterAll(() => rm(copy, { recursive: true, force: true }));

const spec = `name: added
dataset: { checkpoint: ${join(root, 'experiments/digits/digits-edm.pkl')} }
schedule: { type: even }
student: { solver: midpoint, num_steps: 3, at: 0.4 }
train: false
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
evaluate: [contrast]
grid:
  points:
    - label: plain
    - { label: steered, student: { solver: weighed, num_steps: 3, reach: 0.2 }, train: { total_kimg: 0.008, batch: 8 } }
`;

const fewstep = (...args: string[]) =>
  execFileSync(process.execPath, [join(copy, 'packages/runner/bin/fewstep.js'), ...args], {
    cwd: copy,
    encoding: 'utf8',
    stdio: 'pipe',
  });

describe('what is added in as few files as the documentation says', () => {
  it.each(adding)('%s: %i', async (what, files) => {
    const patch = await readFile(patchOf(what), 'utf8');
    expect(patch.match(/^diff --git /gm)!.length).toBeLessThanOrEqual(files);
    const stated = new RegExp(`^\\|[^|]*\\b${what}\\b[^|]*\\| ${files} +\\|`, 'm');
    expect(await readFile(join(root, 'docs/adding.md'), 'utf8')).toMatch(stated);
  });

  it('runs, is trained and scored, and is known to schema and checks', async () => {
    await writeFile(join(copy, 'spec.yaml'), spec);
    const { points } = experimentJson(fewstep('run', 'spec.yaml', '--json'));
    for (const point of points)
      expect(point).toMatchObject({ nfe: 4, metrics: { contrast: expect.any(Number) } });
    const [iteration] = JSON.parse(await readFile(join(copy, points[1].artifacts.log), 'utf8'));
    expect(Object.keys(iteration.intervals[0].outputs)).toEqual(['place', 'weights']);
    expect(iteration.intervals[0].outputs.weights.mean).toHaveLength(2);
    const schema = fewstep('schema');
    expect(schema).toContain('Where in an interval its slope is taken. midpoint: ');
    expect(schema).toContain('How far a weight may leave ½. weighed: ');
    const refused = (set: string) => {
      try {
        return fewstep('validate', 'spec.yaml', '--set', set);
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    expect(refused('student.at=2')).toContain('student.at: found 2, expected a number above 0, at most 1.');
    expect(refused('evaluate=[contrats]')).toContain('did you mean "contrast"?');
  });
});
