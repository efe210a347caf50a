import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equalsGolden, firstImages } from './digits.js';
import { equal, type Group, none, ok, pointOf, refused } from './row.js';
import { commands } from './world.js';

const cfg = (more: string) => ['dataset=ms_coco', `guidance={ type: cfg, ${more} }`];

/** `sample.py`: `fewstep sample` of a spec that names a predictor; student and schedule are the predictor's. */
export const sampling: Group = {
  title: 'sample.py',
  rows: [
    {
      official: '--predictor_path',
      theirs: 'needed',
      here: '`predictor` of a spec',
      ours: 'none: the spec trains',
      note: 'a file is read there by executing it, here as data. Settings are the file’s, the dataset is the spec’s',
      async check(world) {
        await world.run(commands.sample(world.size));
        await equalsGolden(join(world.folder, 'samples'), firstImages());
      },
    },
    {
      official: '--model_path',
      theirs: 'none',
      here: '`dataset.checkpoint`',
      ours: 'that of the dataset',
      note: 'without effect there, where the dataset’s name decides',
      async check() {
        const { dataset } = await pointOf('dataset={ checkpoint: mine.pkl }');
        ok(dataset.checkpoint.endsWith('mine.pkl'));
      },
    },
    {
      official: '--batch',
      theirs: '64',
      here: '`sample.batch`',
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
      here: '`sample.seeds`, `--seeds`',
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
      here: '`guidance.prompt`',
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
    none(
      '--return_inters',
      'False',
      'stops there with a RuntimeError when the images are to be saved. A teacher’s trajectories are in the store',
      () => refused('sample.return_inters=true'),
    ),
    {
      official: '--outdir',
      theirs: 'samples/DATASET/SOLVER_nfeN',
      here: '`--outdir`',
      ours: 'needed',
      note: 'images of other seeds in it are refused here, for a score would count them',
      async check(world) {
        await world.run(commands.sample(world.size));
        equal((await readdir(join(world.folder, 'samples'))).length, 8);
      },
    },
    {
      official: '--grid',
      theirs: 'False',
      here: '`sample.grid`, a picture of each `run`',
      ours: '8x8',
      note: 'beside the images, of the first seeds. There in place of them, and each batch writes over the one before',
      async check(world) {
        await world.run(commands.train(world.size));
        const png = await readFile(join(world.folder, 'results/amed/amed/grid.png'));
        equal(png.readUInt32BE(16), 8 * 32);
      },
    },
    {
      official: '--subdirs',
      theirs: 'True',
      here: '`--subdirs`',
      ours: 'off',
      note: 'a flag that is on by default can’t be turned off there',
      async check(world) {
        await world.run(commands.sample(world.size));
        await world.run(commands.subdirs(world.size));
        const name = '000007.png';
        const [flat, deep] = [join('samples', name), join('thousands/000000', name)].map((one) =>
          readFile(join(world.folder, one)),
        );
        ok((await flat!).equals(await deep!));
      },
    },
  ],
};
