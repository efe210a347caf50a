import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fewstep, root } from './command-line.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-init-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const told = async (args: readonly string[], cwd = dir) => {
  const { code, stdout, stderr } = await fewstep([...args, '--json'], { cwd });
  return { code, stderr, ...JSON.parse(stdout) };
};

it('fewstep alone, and run without a spec, say what to do next', async () => {
  const [alone, run, unknown] = await Promise.all([
    fewstep([], { cwd: dir }),
    told(['run']),
    fewstep(['rnu'], { cwd: dir }),
  ]);
  expect([alone.code, alone.stdout]).toEqual([0, expect.stringContaining('npx fewstep init ')]);
  expect([run.code, run.error]).toEqual([
    2,
    { code: 'E_USAGE', message: expect.stringContaining('fewstep init writes one') },
  ]);
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Did you mean run?')]);
});

it('every template is a spec that is valid where it lies, commented, under the schema that its first line names', async () => {
  const names = (await readdir(join(root, 'packages/runner/templates')))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.replace('.yaml', ''));
  expect(names).toEqual(['compare-solvers', 'first-look', 'own-model', 'own-solver', 'train-predictor']);
  for (const template of names) {
    const { code, spec, files, stderr } = await told(['init', `a-${template}`, '--template', template]);
    expect([code, stderr]).toEqual([0, '']);
    for (const file of files) expect(existsSync(join(dir, file)), file).toBe(true);
    const [first = '', second, ...rest] = readFileSync(join(dir, spec), 'utf8').split('\n');
    const [, schema] = /^# yaml-language-server: \$schema=(.+)$/.exec(first) ?? [];
    const { $id } = JSON.parse(readFileSync(resolve(dir, schema!), 'utf8'));
    expect($id).toMatch(/schema\/experiment\.json$/);
    expect(second).toMatch(/^# /);
    expect(rest.join('\n')).not.toMatch(/\b(NAME|SPEC)\b/);
    expect(rest.filter((line) => line.length > 130)).toEqual([]);
  }
  const { code, experiments } = await told(['validate', ...names.map((name) => `a-${name}.yaml`)]);
  expect([code, experiments.map(({ name }: { name: string }) => name)]).toEqual([
    0,
    names.map((name) => `a-${name}`),
  ]);
});

it('nothing that is there is written over, and a name is one of an experiment', async () => {
  writeFileSync(join(dir, 'mine.yaml'), 'mine');
  const [there, wrong, template] = await Promise.all([
    told(['init', 'mine.yaml']),
    told(['init', '../mine']),
    told(['init', '--template', 'first']),
  ]);
  expect(there).toMatchObject({
    code: 2,
    error: { code: 'E_RESULTS', message: expect.stringMatching(/^mine\.yaml is there already/) },
  });
  expect(readFileSync(join(dir, 'mine.yaml'), 'utf8')).toBe('mine');
  expect(wrong).toMatchObject({
    code: 2,
    error: { code: 'E_USAGE', message: expect.stringMatching(/is no name of an experiment/) },
  });
  expect(template).toMatchObject({
    code: 2,
    error: { code: 'E_USAGE', message: expect.stringMatching(/first-look, compare-solvers/) },
  });
});

it('a spec in a project names the schema of the fewstep that is installed there', async () => {
  const inside = await mkdtemp(join(root, 'node_modules', '.fewstep-init-'));
  try {
    await told(['init'], inside);
    const [line] = readFileSync(join(inside, 'first-look.yaml'), 'utf8').split('\n');
    expect(line).toBe('# yaml-language-server: $schema=../../packages/runner/experiment.schema.json');
    expect(await readdir(inside)).toEqual(['first-look.yaml']);
    // of a command that is told none it is the one that is meant, until there is another
    expect((await told(['validate'], inside)).experiments).toMatchObject([{ name: 'first-look' }]);
    await told(['init', 'second'], inside);
    expect((await told(['plan'], inside)).error.message).toMatch(/of first-look\.yaml, second\.yaml\.$/);
  } finally {
    await rm(inside, { recursive: true });
  }
});
