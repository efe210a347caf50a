import { deepEqual, equal, ok } from 'node:assert/strict';
import type { Point } from '@fewstep/runner';
import { type Group, key, none, pointOf, type Row, refused } from './row.js';
import { commands } from './world.js';

/** An option that is a key without one default. */
const needed = (
  [official, theirs]: readonly [string, string],
  [here, ours]: readonly [string, string],
  note: string,
  check: Row['check'],
): Row => ({ official, theirs, here: `\`${here}\``, ours, note, check });

const method = async (...set: string[]) => (await pointOf(...set)).sampler.method;
const trainOf = ({ train }: Point) => {
  ok(train !== false);
  return train;
};
const teacher = async (...set: string[]) => trainOf(await pointOf(...set));
const rho = async (...set: string[]) => {
  const { schedule } = (await pointOf(...set)).sampler;
  return 'rho' in schedule && schedule.rho;
};

/** `train.py`: what it is told is keys of a spec, and `fewstep run` trains. */
export const training: Group = {
  title: 'train.py',
  rows: [
    needed(
      ['--dataset_name', 'needed'],
      ['dataset', 'needed'],
      'the same eight names, `ffhq_ldm`, which only the downloads know there, and `digits`; or a checkpoint of yours. `lsun_cat` is accepted there and then stops, since no weights of it are known; here it is no name',
      async () => {
        for (const name of ['cifar10', 'ffhq', 'afhqv2', 'imagenet64', 'lsun_bedroom', 'digits'])
          await pointOf(`dataset=${name}`);
        await pointOf('dataset=imagenet256', 'guidance.type=cg');
        for (const name of ['lsun_bedroom_ldm', 'ffhq_ldm'])
          await pointOf(`dataset=${name}`, 'guidance.type=uncond');
        await pointOf('dataset=ms_coco', 'guidance={ type: cfg, prompt: a cat }');
        await refused('dataset=lsun_cat');
      },
    ),
    {
      official: '--outdir',
      theirs: './exps',
      here: '`--results`',
      ours: 'results in the workspace',
      note: 'a folder of the experiment’s name in it, not of a number',
      async check(world) {
        await world.json(commands.plugin(world.size));
        ok((await world.read('mine/plugin/table.md')).includes('ipndm'));
      },
    },
    key(
      ['--total_kimg', '10'],
      ['train.total_kimg', 10],
      'fractions are taken, too; whole batches in both: 79 of 128 images for 10',
      {
        at: (point) => Math.floor(trainOf(point).images / 1000),
        set: 5,
      },
    ),
    needed(
      ['--prompt_path', 'none'],
      ['guidance.prompts', 'for ms_coco the 30,000 captions'],
      'without effect there: the captions are looked for in the downloads whatever it says. Training draws captions at random there, by a generator that no seed sets; here image i has caption i mod 30,000, training image i that of seed 2³¹ + i',
      async () => {
        const prompts = 'guidance={ type: cfg, prompts: packages/runner/package.json }';
        const { guidance } = await pointOf('dataset=ms_coco', prompts);
        ok(guidance?.prompts && guidance.prompts.length > 10);
      },
    ),
    needed(
      ['--num_steps', '4'],
      ['student.num_steps', 'needed'],
      'timestamps in both; 2 (num_steps − 1) evaluations with a predictor, one less with `afs`',
      async () => {
        equal((await pointOf()).sampler.numSteps, 4);
        await refused('student.num_steps=null');
      },
    ),
    needed(
      ['--sampler_stu', 'amed'],
      ['student.solver', 'needed'],
      'amed, dpm, dpmpp, euler, ipndm; without a predictor (`train: false`) also heun, unipc, ipndm_v and deis',
      async () => {
        for (const solver of ['amed', 'dpm', 'dpmpp', 'euler', 'ipndm'])
          equal((await method(`student.solver=${solver}`)).solver, solver);
        await refused('student.solver=null');
      },
    ),
    needed(
      ['--sampler_tea', 'heun'],
      ['teacher.solver', 'heun for amed, else the student’s own'],
      'launch.sh says it each time, as our default has it',
      async () => {
        equal((await teacher()).teacher.method.solver, 'heun');
        equal((await teacher('student.solver=dpmpp')).teacher.method.solver, 'dpmpp');
      },
    ),
    key(['--M', '1'], ['teacher.M', 1], '', { at: (point) => trainOf(point).M, set: 2 }),
    needed(
      ['--guidance_type', 'none'],
      ['guidance.type', 'none'],
      'cg, cfg, uncond; what a dataset needs and lacks stops before anything is computed. There the type decides which model is built, and an LDM without one stops with an UnboundLocalError',
      async () => {
        equal((await pointOf()).guidance, undefined);
        await refused('dataset=ms_coco');
        await refused('guidance.type=cfg', 'guidance.prompt=a cat');
      },
    ),
    needed(
      ['--guidance_rate', '0'],
      ['guidance.rate', '4 (cg), 7.5 (cfg)'],
      '0 guides nothing at all: with the flag left out there, a predictor is trained and sampled unguided. A predictor’s file says the rate in both; uncond takes none, so that `--guidance_rate=1` of launch.sh goes',
      async () => {
        equal((await pointOf('dataset=imagenet256', 'guidance.type=cg')).guidance?.rate, 4);
        await refused('dataset=lsun_bedroom_ldm', 'guidance={ type: uncond, rate: 1 }');
        const cfg = 'guidance={ type: cfg, prompt: a cat }';
        equal((await pointOf('dataset=ms_coco', cfg)).guidance?.rate, 7.5);
      },
    ),
    needed(
      ['--schedule_type', 'polynomial'],
      ['schedule.type', 'needed'],
      'also `explicit` and `gits`',
      async () => {
        for (const type of ['polynomial', 'logsnr', 'time_uniform'])
          equal((await pointOf(`schedule={ type: ${type} }`)).sampler.schedule.type, type);
        await refused('schedule.type=null');
      },
    ),
    needed(
      ['--schedule_rho', '7'],
      ['schedule.rho', '7 (polynomial), 1 (time_uniform, discrete)'],
      'with time_uniform, 7 is seldom meant: launch.sh says 1 wherever it takes it',
      async () => {
        equal(await rho(), 7);
        equal(await rho('schedule.type=time_uniform'), 1);
        const uncond = ['dataset=lsun_bedroom_ldm', 'guidance.type=uncond'];
        equal(await rho(...uncond, 'schedule.type=discrete'), 1);
      },
    ),
    key(['--afs', 'True, in its README False'], ['student.afs', false], '', {
      at: ({ sampler }) => sampler.afs,
      set: true,
    }),
    key(['--scale_dir', '0.01'], ['student.scale_dir', 0.01], '', {
      at: ({ sampler }) => sampler.method.scale_dir,
      set: 0.05,
    }),
    key(
      ['--scale_time', '0'],
      ['student.scale_time', 0],
      'a number in both; `--scale_time=True` of the first release is 0.2',
      { at: ({ sampler }) => sampler.method.scale_time, set: 0.2 },
    ),
    needed(
      ['--max_order', '3, in its README none'],
      ['student.max_order', '3 (dpmpp), 4 (ipndm)'],
      'so ipndm without it is another method here than there. The teacher of the student’s own method has the same; in both 1 to 3 for dpmpp, 1 to 4 for ipndm',
      async () => {
        equal((await method('student.solver=dpmpp')).max_order, 3);
        equal((await method('student.solver=ipndm')).max_order, 4);
        const { teacher: own } = await teacher('student={ solver: ipndm, max_order: 2 }');
        deepEqual(own.method, { solver: 'ipndm', max_order: 2 });
        await refused('student={ solver: dpmpp, max_order: 4 }');
      },
    ),
    needed(
      ['--predict_x0', 'True'],
      ['student.predict_x0', 'true'],
      'with thresholding of pixels alone here, there of latents, too: `student.thresholding`',
      async () => {
        const { predict_x0, thresholding } = await method('student.solver=dpmpp');
        deepEqual([predict_x0, thresholding], [true, undefined]);
        equal((await method('student={ solver: dpmpp, predict_x0: false }')).predict_x0, false);
      },
    ),
    needed(
      ['--lower_order_final', 'True'],
      ['student.lower_order_final', 'true'],
      'a key of dpmpp alone; other methods refuse it here and ignore it there',
      async () => {
        equal((await method('student.solver=dpmpp')).lower_order_final, true);
        await refused('student.lower_order_final=true');
      },
    ),
    key(
      ['--batch', '512; launch.sh 128, 64, 32'],
      ['train.batch', 128],
      'images in one step of the optimiser, of all GPUs together in both',
      { at: (point) => trainOf(point).batch, set: 64 },
    ),
    none(
      '--batch-gpu',
      'none',
      'a batch is one batch, of one GPU; `--device cuda:0,1` gives each its own shards. There each round of a split batch sees the same latents',
      () => refused('train.batch_gpu=16'),
    ),
    key(['--lr', '0.005'], ['train.lr', 0.005], 'Adam, constant', {
      at: (point) => trainOf(point).lr,
      set: 0.01,
    }),
    none('--bench', 'True', 'cuDNN’s; what evaluates networks here chooses its kernels itself', () =>
      refused('train.bench=false'),
    ),
    {
      official: '--desc',
      theirs: 'none',
      here: '`name`, and `label` of a point',
      ours: 'name is needed',
      note: 'what distinguishes points of a grid is their label by default',
      async check() {
        equal((await pointOf('grid={ points: [{ label: mine }] }')).label, 'mine');
        equal((await pointOf('grid={ train.lr: [0.01] }')).settings['train.lr'], 0.01);
      },
    },
    none(
      '--nosubdir',
      'off',
      'folders have names, no numbers, and a run of the same spec writes into the same folder',
      async (world) => {
        await world.json(commands.train(world.size));
        ok(JSON.parse(await world.read('results/amed/report.json')).name === 'amed');
      },
    ),
    none(
      '--tick, --snap, --dump',
      '10, 10, 50',
      'without effect there: a tick is 1 kimg, a snapshot is written at the end, a training state never. Here the log has every iteration, and the predictor is written once; a run that was killed goes on from the last finished shard',
      async (world) => {
        await world.json(commands.train(world.size));
        await refused('train.tick=1');
      },
    ),
    key(
      ['--seed', 'random'],
      ['train.seed', 0],
      'of the initial weights, which are the official ones of that seed; the latents are [other draws](official-differences.md)',
      { at: (point) => trainOf(point).seed, set: 7 },
    ),
    {
      official: '-n, --dry-run',
      theirs: 'off',
      here: '`fewstep plan SPEC`',
      ours: '',
      note: 'what would be computed, and what is there already; `validate` says what is wrong with a spec. Neither needs weights',
      async check(world) {
        const { experiments } = await world.json('fewstep plan amed.yaml');
        ok(experiments[0].planned.some(({ kind }: { kind: string }) => kind === 'predictor'));
      },
    },
  ],
};
