import { deepEqual, equal, ok } from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readNpz } from '@fewstep/metrics/npz';
import { equalsGolden, firstImages } from './digits.js';
import { type Group, none, pointOf, refused } from './row.js';
import { commands, samples } from './world.js';

const cfg = (more: string) => ['dataset=ms_coco', `guidance={ type: cfg, ${more} }`];

/** `sample.py`: `fewstep sample` with a predictor, which says the rest; or of a spec. */
export const sampling: Group = {
  title: 'sample.py',
  rows: [
    {
      official: '--predictor_path',
      theirs: 'needed',
      here: '`fewstep sample --predictor`',
      ours: 'needed without a spec',
      note: 'a file, `.pkl` or `.pt`, read as data and never executed; a number, looked for in `exps/`, `exp/` and `results/`; or a name of a result. Dataset and settings are those that it says. A spec with `predictor: FILE` and `fewstep run` scores, too',
      async check(world) {
        await world.json(commands.sample(world.size));
        await equalsGolden(join(world.folder, samples), firstImages());
        await world.json(commands.byPath());
        await equalsGolden(join(world.folder, 'thousands'), firstImages('000000/'));
      },
    },
    {
      official: '--model_path',
      theirs: 'none',
      here: '`dataset.checkpoint`',
      ours: 'that of the dataset',
      note: 'without effect there, where the dataset’s name decides. `--dataset` says another name of the registry',
      async check() {
        const { dataset } = await pointOf('dataset={ checkpoint: mine.pkl }');
        ok(dataset.checkpoint.endsWith('mine.pkl'));
      },
    },
    {
      official: '--batch',
      theirs: '64',
      here: '`--batch`, `sample.batch`',
      ours: '64',
      note: 'there of each GPU, here of all; a seed gives the same image in any',
      async check() {
        equal((await pointOf()).batch, 64);
        equal((await pointOf('sample.batch=128')).batch, 128);
      },
    },
    {
      official: '--seeds',
      theirs: '0-63',
      here: '`--seeds`, `sample.seeds`',
      ours: '0-63',
      note: 'lists and ranges in both. With captions there, seeds of a batch must follow each other',
      async check() {
        const seeds = async (...set: string[]) => JSON.stringify((await pointOf(...set)).seeds);
        equal(await seeds(), '[[0,63]]');
        equal(await seeds('sample.seeds="1,2,5-10"'), '[[1,2],[5,10]]');
      },
    },
    {
      official: '--prompt',
      theirs: 'the captions',
      here: '`--prompt`, `--prompts FILE`; `guidance.prompt`, `guidance.prompts`',
      ours: 'the captions, for ms_coco',
      note: 'one prompt for every seed; here also a list, of which seed s has entry s mod its length',
      async check() {
        equal((await pointOf(...cfg('prompt: a cat'))).guidance?.prompts?.join(), 'a cat');
      },
    },
    none(
      '--use_fp16',
      'False',
      'without effect there. Latent diffusion and Stable Diffusion run in half precision there whatever is said (autocast), sampling and teacher, but not the student in training; here everything is float32',
      () => refused('sample.use_fp16=true'),
    ),
    {
      official: '--return_inters',
      theirs: 'False',
      here: '`--return-inters`',
      ours: 'off',
      note: 'stops there with a RuntimeError when the images are to be saved. Here what the images go through is kept as `inters/inters.npz`, with a picture',
      async check(world) {
        await world.json(commands.byPath());
        const { inters, sigmas } = await readNpz(join(world.folder, 'thousands/inters/inters.npz'));
        deepEqual([inters?.shape, sigmas?.data[0]], [[4, 4, 1, 32, 32], 80]);
      },
    },
    {
      official: '--outdir',
      theirs: 'samples/DATASET/SOLVER_nfeN',
      here: '`--outdir`',
      ours: 'the same',
      note: 'N is doubled for ms_coco in both. Images of other seeds in it are refused here, for a score would count them',
      async check(world) {
        await world.json(commands.sample(world.size));
        equal((await readdir(join(world.folder, samples))).length, 4);
      },
    },
    {
      official: '--grid',
      theirs: 'False',
      here: '`--grid`',
      ours: 'off',
      note: 'the same layout, ⌊√n⌋ columns, in `samples/grids/DATASET/SOLVER_nfeN`; of all seeds here, while each batch writes over the one before there. `run` makes one of each point, `sample.grid` its size',
      async check(world) {
        await world.json(commands.grid());
        const png = await readFile(join(world.folder, 'samples/grids/digits/amed_nfe5/grid.png'));
        equal([png.readUInt32BE(16), png.readUInt32BE(20)].join(), '64,64');
      },
    },
    {
      official: '--subdirs',
      theirs: 'True',
      here: '`--subdirs`',
      ours: 'off',
      note: 'a flag that is on by default can’t be turned off there',
      async check(world) {
        await world.json(commands.sample(world.size));
        await world.json(commands.byPath());
        const [flat, deep] = [join(samples, '000003.png'), 'thousands/000000/000003.png'].map((name) =>
          readFile(join(world.folder, name)),
        );
        ok((await flat!).equals(await deep!));
      },
    },
  ],
};
