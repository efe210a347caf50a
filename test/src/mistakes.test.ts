import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commands } from '@fewstep/runner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, start } from './command-line.js';
import { childrenOf } from './faults/processes.js';
import { tiny } from './small-experiment.js';

/** What a spec that is right says, by its keys. */
const right: Readonly<Record<string, string>> = {
  name: 'mine',
  dataset: `{ checkpoint: ${tiny} }`,
  schedule: '{ type: polynomial }',
  student: '{ solver: euler, num_steps: 4 }',
  train: 'false',
};
const textOf = (keys: Readonly<Record<string, string | undefined>>) =>
  Object.entries({ ...right, ...keys })
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}\n`]))
    .join('');

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-mistakes-'));
  await mkdir(join(dir, 'empty'));
  await writeFile(join(dir, 'mine.yaml'), textOf({}));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What somebody is told who calls a command, in this process. */
async function told(call: () => Promise<unknown>): Promise<string> {
  const failed = await call().then(
    () => 'nothing is wrong',
    (error: Error & { code?: string }) => `${error.code} ${error.message}`,
  );
  return failed.replaceAll(dir, 'DIR');
}

describe('a mistake in a spec gets an answer that says what to do', () => {
  const names: readonly (readonly [
    what: string,
    keys: Readonly<Record<string, string | undefined>>,
    answer: RegExp,
  ])[] = [
    [
      'DDIM as others call it',
      { student: '{ solver: ddim, num_steps: 4 }' },
      /"ddim" is no student; it is euler here/,
    ],
    [
      'DPM-Solver++',
      { student: '{ solver: DPM++, num_steps: 4 }' },
      /"DPM\+\+" is no student; it is dpmpp here/,
    ],
    ['DPM++ 2M', { student: '{ solver: dpmpp 2m, num_steps: 4 }' }, /it is dpmpp with max_order: 2 here/],
    [
      'karras',
      { schedule: '{ type: karras }' },
      /"karras" is no schedule; it is polynomial with rho: 7 here/,
    ],
    ['a letter too many', { student: '{ solver: eulerr, num_steps: 4 }' }, /did you mean "euler"\?/],
    [
      'a flag of the official code',
      { sampler_stu: 'amed' },
      /sampler_stu: unknown key; it is student\.solver here/,
    ],
    [
      'a flag of diffusers',
      { student: '{ solver: euler, num_inference_steps: 4 }' },
      /it is student\.num_steps here/,
    ],
    [
      'guidance as others call it',
      { guidance_scale: '7.5' },
      /guidance_scale: unknown key; it is guidance\.rate here/,
    ],
    ['metrics', { metrics: '[fid]' }, /metrics: unknown key; it is evaluate here/],
    ['model', { model: 'x.pkl' }, /model: unknown key; it is dataset\.checkpoint here/],
    [
      'the evaluations in place of the steps',
      { student: '{ solver: amed, nfe: 5, afs: true }', train: '{}' },
      /amed takes 2 evaluations of each of the num_steps − 1 intervals, less 1 with afs: 5 NFE are num_steps 4\./,
    ],
    [
      'evaluations that can’t be',
      { student: '{ solver: heun, nfe: 5 }' },
      /no num_steps are 5 NFE; 3 are 4, 4 are 6\./,
    ],
    [
      'a dash in a name of the registry',
      { dataset: 'cifar-10' },
      /"cifar-10" is no dataset; did you mean "cifar10"\?/,
    ],
    ['a score without brackets', { evaluate: 'fid' }, /a list is written \[fid\]/],
    [
      'a path outside the grid',
      { 'student.num_steps': '4' },
      /outside the grid paths are nested: student: \{ num_steps: … \}/,
    ],
    [
      'a key in the wrong part',
      { num_steps: '4' },
      /num_steps: unknown key; did you mean "teacher\.num_steps" or "student\.num_steps"/,
    ],
    [
      'seeds with dots',
      { sample: '{ seeds: 0..63 }' },
      /sample\.seeds: "0\.\.63" is neither a seed nor a range; write 0-49999 or 1,2,5-10/,
    ],
    [
      'training what has no predictor',
      { student: '{ solver: heun, num_steps: 4 }', train: '{}' },
      /heun has no predictor to train: add train: false, or take another student \(amed/,
    ],
    [
      'a sampler without training that needs it',
      { student: '{ solver: amed, num_steps: 4 }' },
      /amed is nothing without its predictor: remove train: false, or take a plain student/,
    ],
    ['a teacher that nothing reads', { teacher: '{ M: 2 }' }, /teacher: nothing reads it: .* Remove it\./],
    [
      'one step',
      { student: '{ solver: euler, num_steps: 1 }' },
      /found 1, expected an integer from 2 to 1001/,
    ],
    ['an open bracket', { student: '{ solver: euler' }, /no valid YAML/],
    [
      'a spec of another tool',
      Object.fromEntries([
        ...Object.keys(right).map((key) => [key, undefined]),
        ['target', 'x'],
        ['params', '{}'],
      ]),
      /is it the file of another program\? A spec has name, dataset/,
    ],
  ];
  it.each(names)('%s', async (_, keys, answer) => {
    const path = join(dir, 'mistaken.yaml');
    await writeFile(path, textOf(keys));
    const text = await told(() => commands.validate([path], {}));
    expect(text).toMatch(/^E_SPEC /);
    expect(text).toMatch(answer);
  });
});

describe('a mistake in a command gets an answer that says what to do', () => {
  const at = (...names: string[]) => join(dir, ...names);
  const quiet = {
    quiet: true,
    get store() {
      return at('store');
    },
    get results() {
      return at('results');
    },
  };
  it.each<readonly [what: string, call: () => Promise<unknown>, answer: RegExp]>([
    [
      'a folder without specs',
      () => commands.validate([at('empty')], {}),
      /E_SPEC .*a folder without YAML files; name a spec/,
    ],
    [
      'a name with a letter too many',
      () => commands.plan([at('minee.yaml')], quiet),
      /there is no such file; did you mean DIR\/mine\.yaml\?/,
    ],
    [
      'the weights that are not here',
      () => commands.run([at('mine.yaml')], { ...quiet, set: ['dataset=cifar10'] }),
      /fewstep models fetch cifar10/,
    ],
    [
      'a file that is not here',
      () => commands.run([at('mine.yaml')], { ...quiet, set: ['dataset.checkpoint=no.pkl'] }),
      /no\.pkl that could be read; the path is relative to the spec/,
    ],
    [
      'a key of --set that is none',
      () => commands.plan([at('mine.yaml')], { ...quiet, set: ['lr=0.01'] }),
      /names no key of the spec.*train\.lr/,
    ],
    [
      'a key of --set as others call it',
      () => commands.plan([at('mine.yaml')], { ...quiet, set: ['steps=4'] }),
      /it is student\.num_steps here/,
    ],
    [
      'a value of --set without a path',
      () => commands.plan([at('mine.yaml')], { ...quiet, set: ['train'] }),
      /expected path=value, as --set/,
    ],
    [
      'a point that is not in the grid',
      () => commands.plan([at('mine.yaml')], { ...quiet, only: ['eulre'] }),
      /no point has this label; did you mean "euler"\?/,
    ],
    [
      'two specs of one name',
      async () => {
        await writeFile(at('again.yaml'), textOf({}));
        await commands.plan([at('mine.yaml'), at('again.yaml')], quiet);
      },
      /name: mine is also the name of .*run one, or rename it/,
    ],
    [
      'a device that is none',
      () => commands.run([at('mine.yaml')], { ...quiet, device: 'gpu' }),
      /E_ENGINE there is no device "gpu"; one of cpu, cuda/,
    ],
    [
      'a cache that is not installed',
      () => commands.plan([at('mine.yaml')], { ...quiet, cache: 's3:bucket' }),
      /E_PLUGIN .*npm install @fewstep\/cache-s3/,
    ],
    [
      'a model that the registry has not',
      () => commands.modelsFetch(['cifar'], { sha256: [] }),
      /E_MODELS "cifar" is no model of the registry; did you mean "cifar10"\?/,
    ],
    [
      'a file of weights that is not here',
      () => commands.modelsInspect('network.pkl', {}),
      /E_FILE there is no network\.pkl \(looked at /,
    ],
    [
      'nothing to sample',
      () => commands.sample(undefined, {}),
      /E_USAGE there is nothing to sample: name a spec/,
    ],
    [
      'a run that was not',
      () => commands.show('mine', quiet),
      /E_RESULTS "mine" is no spec.*fewstep run SPEC makes some/,
    ],
    [
      'a predictor that is not here',
      () => commands.sample(undefined, { predictor: 'mine/amed' }),
      /E_PREDICTOR "mine\/amed" is no file of a predictor.* Name network-snapshot/,
    ],
    [
      'images that are not here',
      () => commands.fidCalc([at('images')], { ...quiet, ref: at('empty') }),
      /E_FILE images: there is no DIR\/images \(looked at .*\nfeatures: .*fewstep models fetch inception/,
    ],
  ])('%s', async (_, call, answer) => {
    expect(await told(call)).toMatch(answer);
  });

  it.skipIf(process.platform !== 'linux')('no memory', async () => {
    const run = ['run', 'mine.yaml', '--quiet'];
    expect((await fewstep([...run, '--set', 'sample.seeds=0'], { cwd: dir })).code).toBe(0); // the network is in the store
    const { child, finished } = start([...run, '--set', 'sample.seeds=1-1000'], { cwd: dir });
    // as the kernel does, whenever it is tried again
    while (child.exitCode === null) {
      for (const computing of childrenOf(child.pid!))
        try {
          process.kill(computing, 'SIGKILL');
        } catch {} // it is gone
      await sleep(20);
    }
    const { code, stderr } = await finished;
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /samples of euler, .*E_TASK_CRASHED .*It ran out of memory, or somebody ended it\. A smaller sample\.batch needs less\.\n$/,
      ),
    ]);
  });

  it('a Node of before', async () => {
    const older =
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.4" } })';
    const { code, stderr } = await fewstep(['run', 'mine.yaml'], {
      cwd: dir,
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(older)}` },
    });
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^E_NODE fewstep needs Node 20\.19 or later.*18\.20\.4/),
    ]);
  });

  it('a word that is no command, an option that is none, a spec that is not named', async () => {
    const [command, option, argument] = await Promise.all([
      fewstep(['rn', 'mine.yaml'], { cwd: dir }),
      fewstep(['run', '--dry-run', 'mine.yaml'], { cwd: dir }),
      fewstep(['graph'], { cwd: dir }),
    ]);
    expect([command, option, argument].map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(command!.stderr).toBe(
      "error: unknown command 'rn'\n(Did you mean run?)\n(fewstep --help tells more)\n",
    );
    expect(option!.stderr).toMatch(
      /unknown option '--dry-run'\n(.*\n)*usage: fewstep run \[options\] \[spec\.\.\.\]\n\(fewstep run --help/,
    );
    expect(argument!.stderr).toMatch(
      /missing required argument 'spec'\nusage: fewstep graph \[options\] <spec>\n/,
    );
  });
});
