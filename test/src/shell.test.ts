import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands } from '@fewstep/runner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, root } from './command-line.js';
import { tiny, workspace } from './small-experiment.js';

const bin = join(root, 'packages/runner/bin/fewstep.js');
const spec = `name: small
dataset: { checkpoint: ${tiny} }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 0-3, batch: 4, grid: 2x2 }
grid: { student.num_steps: [3, 4] }
`;

let dir: string;
beforeAll(async () => {
  dir = await workspace(spec);
  await mkdir(join(dir, 'specs'));
  await writeFile(join(dir, 'specs/b.yaml'), spec.replace('small', 'b'));
  await writeFile(join(dir, 'specs/a.yaml'), spec.replace('small', 'a'));
  await writeFile(join(dir, 'specs/fewstep.config.yaml'), 'cache: none\n');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('runs', () => {
  it('are told quietly, one for each change, and listed and shown afterwards', async () => {
    const first = await fewstep(['run', 'spec.yaml', '--quiet'], { cwd: dir });
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toContain('| num_steps 4 |   3 |');
    const changed = ['--set', 'sample.seeds=0-1', '--only', 'num_steps 4'];
    const second = await fewstep(['run', 'spec.yaml', ...changed], { cwd: dir });
    expect(second.code, second.stderr).toBe(0);
    expect(second.stderr).toMatch(/^store: /); // not quiet

    const results = join(dir, 'results');
    const { runs } = (await commands.ls({ results })) as unknown as { runs: Record<string, unknown>[] };
    const [last, before] = runs;
    expect(before).toMatchObject({ name: 'small', spec: 'spec.yaml', exit: 0, points: 2 });
    const name = 'small+only=num_steps-4+sample.seeds=0-1-';
    expect(last).toMatchObject({ name: expect.stringContaining(name), exit: 0, points: 1 });
    const kept = async (run: unknown) =>
      JSON.parse(await readFile(join(results, String(run), 'run.json'), 'utf8'));
    expect((await kept(last!.name)).changes).toEqual(['sample.seeds=0-1', 'only=num_steps 4']);
    expect((await kept('small')).changes).toBeUndefined();

    const shown = await fewstep(['show', 'small/num_steps 4'], { cwd: dir });
    expect(shown.stdout).toMatch(/^num_steps 4, of results\/small\n {2}scores +3 NFE\n/);
    expect(shown.stdout).toMatch(/^ {2}settings +student\.num_steps: 4 {2}\(varies\)$/m);
    expect(shown.stdout).toMatch(/^ +sample\.rng: torch-cpu$/m);
    expect(shown.stdout).toMatch(/^ {2}files +grid: results\/small\/num_steps-4\/grid\.png$/m);
    const point = (told: string) => commands.show(told, { results });
    const byFolder = await point('small/num_steps-4');
    expect(byFolder).toMatchObject({ point: { label: 'num_steps 4', nfe: 3 } });
    expect(await point(join(results, 'small/num_steps-4'))).toEqual(byFolder);
    expect(await point(String(last!.name))).toMatchObject({ point: { label: 'num_steps 4' } });
    expect(await point('small')).toMatchObject({
      points: [{ label: 'num_steps 3' }, { label: 'num_steps 4' }],
    });
    await expect(point('small/num_steps 5')).rejects.toThrow(
      /no point "num_steps 5"; did you mean "num_steps 3"\?/,
    );
  });

  it('that left something else than a record are listed, and break nothing', async () => {
    const folder = join(dir, 'others/odd');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '.fewstep-results'), '{}');
    await writeFile(join(folder, 'run.json'), '{"started":"\u001b[2J","exit":"1","seeds":7,"tasks":null}');
    await writeFile(join(folder, 'report.json'), '[1, 2');
    const results = join(dir, 'others');
    const { runs } = (await commands.ls({ results })) as unknown as { runs: object[] };
    expect(runs).toEqual([{ name: 'odd', folder, points: 0 }]);
    const refusal = () =>
      commands.show('odd', { results }).catch(({ code, message }) => `${code} ${message}`);
    expect(await refusal()).toMatch(/^E_RESULTS .*report\.json can't be read/);
    await rm(join(folder, 'report.json'));
    expect(await refusal()).toMatch(
      /^E_RESULTS .*odd has no report: .* The same command goes on from there\.$/,
    );
  });
});

it('a folder stands for its specs, and - for standard input', async () => {
  const { experiments } = (await commands.validate([join(dir, 'specs')], {})) as unknown as {
    experiments: { name: string }[];
  };
  expect(experiments.map(({ name }) => name)).toEqual(['a', 'b']);
  const piped = (input: string) =>
    spawnSync(process.execPath, [bin, 'validate', '-'], { cwd: dir, input, encoding: 'utf8' });
  expect(piped(spec).stdout).toBe('-: valid, 2 points\n');
  expect(piped(spec.replace('euler', 'ddim')).stderr).toMatch(
    /^-:4:20 E_SPEC student\.solver: "ddim" is no student/,
  );
  expect(piped('').stderr).toMatch(/^- E_SPEC standard input is empty; pipe a spec into it/);
});

it('a doctor says what is here, and what a spec lacks', async () => {
  const { code, stdout, stderr } = await fewstep(
    [
      'doctor',
      'spec.yaml',
      '--set',
      'dataset=cifar10',
      '--json',
      '--store',
      'none',
      '--redis',
      'redis://127.0.0.1:1',
    ],
    { cwd: dir, env: { FEWSTEP_MODELS: join(dir, 'no-models') } },
  );
  const { machine, needs, error } = JSON.parse(stdout);
  const found = Object.fromEntries(machine.map((one: { what: string }) => [one.what, one]));
  expect(found).toMatchObject({
    fewstep: { ok: true, found: expect.stringContaining(`Node ${process.version}`) },
    memory: { found: expect.stringMatching(/ of .* memory are free, \d+ cores?$/) },
    cpu: { ok: true },
    redis: { ok: false, found: expect.stringContaining('ECONNREFUSED') },
    store: {
      ok: true,
      found: expect.stringMatching(/^none, which the first run makes, .* free on its disk$/),
    },
  });
  const checkpoint = { role: 'checkpoint', how: expect.stringContaining('fewstep models fetch cifar10') };
  expect(needs).toMatchObject([{ name: 'small', points: 2, missing: [checkpoint] }]);
  expect([code, error.code]).toEqual([1, 'E_LACKS']);
  expect(stderr).toMatch(/^E_LACKS redis: none answers at .*\nsmall lacks checkpoint .*\.pkl\n$/);
});

describe('completion', () => {
  /** What is typed, and something that the shell then offers, and something that it doesn't. */
  const typed: readonly (readonly [line: string, offered: string, not?: string])[] = [
    ['fewstep mod', 'models', 'run'],
    ['fewstep models ', 'inspect', 'plan'],
    ['fewstep models fetch ci', 'cifar10', 'digits'],
    ['fewstep run --onl', '--only'],
    ['fewstep run --set train.l', 'train.lr='],
    ['fewstep graph --format ', 'mermaid'],
    ['fewstep cache ls --by ', 'cost'],
    ['fewstep plan sp', 'spec.yaml'],
    ['fewstep completion ', 'fish'],
  ];
  const bash = `compopt() { :; }
  while IFS= read -r line; do
    [[ "$line" == *' ' ]] && end=1 || end=0
    COMP_WORDS=($line); ((end)) && COMP_WORDS+=('')
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _fewstep; echo "\${COMPREPLY[*]}"
  done`;
  const fish = `while read -l line; echo (complete -C $line | string replace -r '\\t.*' ''); end`;
  // zsh completes in a terminal alone: here what it would be given
  const zsh = `compdef() { :; }; _describe() { print -rn -- "\${(P)2} " }; _files() { print -rn -- *(N) }; compadd() { print -rn -- "\${@:2} " }; _message() { :; }
  SCRIPT
  while IFS= read -r line; do
    words=(\${(z)line}); [[ "$line" == *' ' ]] && words+=('')
    CURRENT=\${#words}; _fewstep; echo
  done`;
  const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;
  it.each(['bash', 'zsh', 'fish'])('of %s knows commands, options and values', async (shell) => {
    const script = spawnSync(process.execPath, [bin, 'completion', shell], { encoding: 'utf8' }).stdout;
    expect(script).toContain('fewstep');
    if (!has(shell)) return; // what there is of it is the same declarations
    const program =
      shell === 'zsh' ? zsh.replace('SCRIPT', script) : `${script}\n${shell === 'bash' ? bash : fish}`;
    const input = typed.map(([line]) => `${line}\n`).join('');
    const args = shell === 'zsh' ? ['-f', '-c', program] : ['-c', program];
    const { stdout, stderr } = spawnSync(shell, args, { cwd: dir, input, encoding: 'utf8' });
    expect(stderr).toBe('');
    const offers = stdout.trimEnd().split('\n');
    expect(offers).toHaveLength(typed.length);
    for (const [i, [line, offered, not]] of typed.entries()) {
      expect(offers[i], line).toContain(offered);
      if (not && shell !== 'zsh') expect(offers[i]!.split(' '), line).not.toContain(not);
    }
  });
});

it('the help of a command has examples', async () => {
  const { stdout } = await fewstep(['run', '--help']);
  expect(stdout).toMatch(
    /\nExamples:\n {2}fewstep run digits\.yaml\n {6}the table, and pictures in results\/digits\n/,
  );
});
