import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ProjectConfiguration, Tree } from 'nx/src/devkit-exports';
import { afterAll, beforeAll, expect, it } from 'vitest';
import addExperiment from './experiment-generator.js';
import { createNodes, experimentNamed } from './experiments.js';

const spec = (name: string, more = '') => `# of the laboratory
name: ${name} # by which results go
dataset: digits
student: { solver: ./solvers/mine.mjs }
${more}`;

const files: Readonly<Record<string, string>> = {
  'experiments/plain.yaml': spec('plain'),
  'experiments/more/named.yaml': spec('named', 'predictor: ../../weights/a.pkl\nlabels: [x, ..]\n'),
  'experiments/solvers/mine.mjs': `import { a } from './of-mine.mjs';\nimport 'node:fs';`,
  'experiments/solvers/of-mine.mjs': `export { a } from '../shared.js';`,
  'experiments/shared.js': `import('./solvers/mine.mjs');`,
  'experiments/digits/digits.pkl': '',
  'weights/a.pkl': '',
  'weights/b.pkl': '',
  'experiments/more/datasets.yaml': 'mine: { checkpoint: link/b.pkl }\n',
  'results/plain/spec.yaml': spec('plain'),
  'results/plain/.fewstep-results': '{}',
  'compose.yaml': 'name: services\nservices: {}\n',
  'experiments/published.yaml': '- dataset: digits\n  student: {}\n',
};

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'fewstep-nx-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  symlinkSync('../../weights', join(root, 'experiments/more/link'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The projects of all YAML files, by their names. */
async function projects(): Promise<Readonly<Record<string, ProjectConfiguration>>> {
  const yaml = Object.keys(files).filter((name) => name.endsWith('.yaml'));
  const found = await createNodes[1](yaml, undefined, { workspaceRoot: root, nxJsonConfiguration: {} });
  const all = found.flatMap(([, { projects = {} }]) => Object.values(projects));
  return Object.fromEntries(all.map((one) => [one.name, one as ProjectConfiguration]));
}

it('makes a project of each experiment, told by what it is', async () => {
  const found = await projects();
  expect(Object.keys(found).sort()).toEqual(['named', 'plain']);
  expect(found.plain!.root).toBe('experiments/plain.yaml');
});

it('gives all of them the same targets but for their inputs', async () => {
  const { plain, named } = await projects();
  const constant = ({ targets = {} }: ProjectConfiguration) =>
    Object.entries(targets).map(([name, { inputs: _, ...target }]) => [name, target]);
  expect(constant(named!)).toEqual(constant(plain!));
  expect(constant(plain!)).toEqual([
    ['validate', { command: 'fewstep validate {projectRoot}', cache: true }],
    ['plan', { command: 'fewstep plan {projectRoot}' }],
    [
      'run',
      {
        command: 'fewstep run --results results {projectRoot}',
        cache: true,
        outputs: ['{workspaceRoot}/results/{projectName}/receipt.json'],
        parallelism: false,
      },
    ],
    ['report', { command: 'fewstep report --results results {projectRoot}' }],
  ]);
});

it('has the file, what it names and what that imports as input', async () => {
  const { plain, named } = await projects();
  const inputs = (one: ProjectConfiguration) => {
    const { run, validate } = one.targets!;
    expect(validate!.inputs).toEqual(run!.inputs);
    return run!.inputs!.map((input) =>
      typeof input === 'object' && 'fileset' in input ? [input.fileset, input.includeIgnored] : input,
    );
  };
  expect(inputs(plain!)).toEqual([
    '{workspaceRoot}/experiments/plain.yaml',
    ['{workspaceRoot}/experiments/digits/**/*', true],
    ['{workspaceRoot}/experiments/solvers/mine.mjs', true],
    ['{workspaceRoot}/experiments/solvers/of-mine.mjs', true],
    ['{workspaceRoot}/experiments/shared.js', true],
    { env: 'FEWSTEP_MODELS' },
  ]);
  // relative to its own folder, where nothing else is; a folder above it is none
  expect(inputs(named!)).toEqual([
    '{workspaceRoot}/experiments/more/named.yaml',
    ['{workspaceRoot}/weights/a.pkl', true],
    // what its dataset may be, where that really is
    ['{workspaceRoot}/experiments/more/datasets.yaml', true],
    ['{workspaceRoot}/weights/b.pkl', true],
    { env: 'FEWSTEP_MODELS' },
  ]);
});

it.each([
  ['one that is broken', 'name: a\nstudent: { solver: [\n', 'a'],
  ['a name in quotes', `name: 'of-1.5'\r\ngrid:\n`, 'of-1.5'],
  ['a name that is none', 'name: a/b\nstudent: {}\n', undefined],
  ['what has a student below', 'name: a\nclass:\n  student: b\n', undefined],
])('knows %s', (_, text, name) => {
  expect(experimentNamed(text)).toBe(name);
});

it('adds an experiment, and itself once', () => {
  const kept = new Map([['nx.json', '{ "plugins": [{ "plugin": "@nx/js" }], "parallel": 2 }']]);
  const tree = {
    exists: (name: string) => kept.has(name),
    read: (name: string) => kept.get(name) ?? null,
    write: (name: string, text: string) => void kept.set(name, text),
  } as unknown as Tree;
  const options = { name: 'first', directory: 'experiments', dataset: 'digits' };
  addExperiment(tree, options);
  addExperiment(tree, { ...options, name: 'second', dataset: 'models/"mine".pkl' });
  const plugins = [{ plugin: '@nx/js' }, '@fewstep/nx'];
  expect(JSON.parse(kept.get('nx.json')!)).toEqual({ plugins, parallel: 2 });
  expect(experimentNamed(kept.get('experiments/first.yaml')!)).toBe('first');
  expect(kept.get('experiments/second.yaml')).toContain('dataset: { checkpoint: "models/\\"mine\\".pkl" }');
  expect(() => addExperiment(tree, options)).toThrow('experiments/first.yaml is there already');
  expect(() => addExperiment(tree, { ...options, name: '../a' })).toThrow('"../a" is no name');
});
