import { ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finished, fewstep, root } from '../command-line.js';
import { clipTold, writeClip } from '../tiny-clip.js';

/** How much is computed: all that the page says, or as little as shows the same. */
export interface Size {
  readonly seeds: string;
  readonly kimg: number;
  readonly batch: number;
  /** Images that statistics are made of. */
  readonly data: string;
  /** Images that are drawn of the samples. */
  readonly num: number;
  /** What else a run is told. */
  readonly set: string;
}

/** Where samples of a predictor on the digits go by default. */
export const samples = 'samples/digits/amed_nfe5';

export const fullSize: Size = {
  seeds: '0-511',
  kimg: 1,
  batch: 32,
  data: 'my-dataset.zip',
  num: 100,
  set: '',
};
export const smallSize: Size = {
  seeds: '0-3',
  kimg: 0.002,
  batch: 2,
  data: samples,
  num: 3,
  set: ' --set evaluate=[]',
};

/** A folder such as somebody has who comes over, and the commands that are typed in it. */
export interface World {
  readonly folder: string;
  readonly size: Size;
  /**
   * Runs a command as it stands on the page, each once however many rows name it.
   *
   * @throws where it ends with another code than 0
   */
  run(typed: string): Promise<Finished>;
  /** What it prints with --json. */
  // biome-ignore lint/suspicious/noExplicitAny: what a command prints is data whose form its row knows
  json(typed: string): Promise<any>;
  read(...name: string[]): Promise<string>;
  close(): Promise<void>;
}

/** Commands that several rows look at. */
export const commands = {
  train: ({ seeds, kimg, batch, set }: Size) =>
    `fewstep run amed.yaml --set name=amed --set train.total_kimg=${kimg} --set train.batch=${batch} --set sample.seeds=${seeds}${set}`,
  plugin: ({ seeds, kimg, batch, set }: Size) =>
    `fewstep run plugin.yaml --results mine --set name=plugin --set train.total_kimg=${2 * kimg} --set train.batch=${batch} --set sample.seeds=${seeds}${set}`,
  sample: ({ seeds }: Size) => `fewstep sample --predictor 0 --batch 128 --seeds ${seeds}`,
  byPath: () =>
    `fewstep sample --predictor ${exp}/${snapshot} --seeds 0-3 --outdir thousands --subdirs --return-inters`,
  grid: () => 'fewstep sample --predictor 0 --seeds 0-3 --grid',
  show: () => 'fewstep predictors show 0',
  reference: ({ data }: Size) => `fewstep fid ref ${data} --features digits --dest digits.npz`,
  fid: () => `fewstep fid calc ${samples} --ref digits.npz --features digits`,
  drawn: ({ data, num }: Size) =>
    `fewstep fid calc ${samples} --ref ${data} --features digits --num ${num} --seed 1 --batch 3`,
  shown: ({ num }: Size) =>
    `fewstep clip-score calc ${samples} --clip clip.safetensors --clip-network ${JSON.stringify(clipTold)} --prompts captions.txt --num ${num} --seed 1 --batch 3`,
  dataset: () =>
    `fewstep dataset ${samples} set.zip --transform center-crop --resolution 16x16 --max-images 3`,
} satisfies Record<string, (size: Size) => string>;

/** A folder of a run as the official training names it, and its predictor. */
export const exp = 'exps/00000-digits-4-5-amed-heun-1-uni1-afs';
export const snapshot = 'network-snapshot-000010.pkl';
export const golden = join(root, 'test/fixtures/golden/official-predictors');

/** What is there before the first command: what somebody who comes over has. */
export const setting = `mkdir -p ${exp}
cp $REPOSITORY/test/fixtures/golden/official-predictors/amed-5.pkl ${exp}/${snapshot}
cp $REPOSITORY/experiments/digits/digits-32x32.zip my-dataset.zip
`;

/** The two trainings of the official README, the digits in place of CIFAR-10. */
export const specs = {
  'amed.yaml': `name: amed
dataset: digits # there --dataset_name=cifar10
schedule: { type: time_uniform, rho: 1 }
student: { solver: amed, num_steps: 4, afs: true, scale_dir: 0.01, scale_time: 0 }
teacher: { solver: heun, M: 1 }
train: { total_kimg: 10, batch: 128 }
evaluate: [fid, rmse_to_teacher]
`,
  'plugin.yaml': `name: plugin
dataset: digits
schedule: { type: polynomial, rho: 7 }
student: { solver: ipndm, max_order: 4, num_steps: 4, afs: true, scale_dir: 0.01, scale_time: 0.2 }
teacher: { solver: ipndm, M: 2 }
train: { total_kimg: 10, batch: 128 }
evaluate: [fid, rmse_to_teacher]
`,
} as const;

export async function openWorld(size: Size): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'fewstep-diff-sampler-'));
  for (const [name, text] of Object.entries(specs)) await writeFile(join(folder, name), text);
  await writeFile(join(folder, 'captions.txt'), 'a one\na seven\n');
  await writeClip(join(folder, 'clip.safetensors'));
  execFileSync('sh', ['-ec', setting], { cwd: folder, env: { ...process.env, REPOSITORY: root } });
  const ended = new Map<string, Promise<Finished>>();
  const run = (typed: string) => {
    const [command, ...args] = typed.split(' ');
    ok(command === 'fewstep', typed);
    const env = { FEWSTEP_MODELS: join(root, 'experiments') };
    const finished =
      ended.get(typed) ??
      fewstep(args, { cwd: folder, env }).then((end) => {
        ok(end.code === 0, `${typed}: ${end.stderr}`);
        return end;
      });
    ended.set(typed, finished);
    return finished;
  };
  return {
    folder,
    size,
    run,
    json: async (typed) => JSON.parse((await run(`${typed} --json`)).stdout),
    read: (...name) => readFile(join(folder, ...name), 'utf8'),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
