import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage } from '@fewstep/metrics/images';
import { readSafetensors } from '@fewstep/models';
import { commands, fullSize, golden, type Size, samples, type World } from './world.js';

/** A command of the official README or launch.sh, done here on the digits. */
export interface Step {
  readonly official: string;
  readonly typed: (size: Size) => string;
  /** What comes out at full size. */
  readonly out: string;
  /** What it was held against. */
  readonly against: string;
  /** @throws where something else comes out */
  check(world: World): Promise<unknown>;
}

/**
 * Scores at full size, at most a tenth above those of the official code with its own training on the same checkpoint: whose
 * latents are other draws, and the plugin's scores still fall after so few iterations.
 */
const scores =
  (official: { readonly fid: number; readonly rmse: number }) => async (world: World, run: string) => {
    const { experiments } = await world.json(run);
    const [{ nfe, metrics }] = experiments[0].points;
    equal(nfe, 5);
    if (world.size !== fullSize) return;
    ok(metrics.fid < 1.1 * official.fid, `fid ${metrics.fid}`);
    ok(metrics.rmse_to_teacher < 1.1 * official.rmse, `rmse_to_teacher ${metrics.rmse_to_teacher}`);
  };

function near(found: number, wanted: number, within: number): void {
  ok(Math.abs(found - wanted) <= within * wanted, `${found} is not ${wanted} within ${within}`);
}

/** Images of a folder against those that the official sampler drew, seed by seed. */
export async function equalsGolden(folder: string, names: readonly string[]): Promise<void> {
  const { images_uint8 } = readSafetensors(await readFile(join(golden, 'amed-5.safetensors')));
  const wanted = images_uint8!.data as Uint8Array;
  let far = 0;
  for (const [seed, name] of names.entries()) {
    const { data } = await decodeImage(await readFile(join(folder, name)), name);
    equal(data.length, 32 * 32);
    far += data.filter((value, i) => Math.abs(value - wanted[1024 * seed + i]!) > 1).length;
  }
  ok(far <= 0.001 * 1024 * names.length, `${far} pixels differ by more than 1`);
}

/** Names of the first images, as the official sampler gives them without subfolders. */
export const firstImages = (folder = '') =>
  Array.from({ length: 4 }, (_, seed) => `${folder}00000${seed}.png`);

const [amed, plugin] = [scores({ fid: 1.003, rmse: 22.25 }), scores({ fid: 2.054, rmse: 22.63 })];

/** The official commands in their order. */
export const steps: readonly Step[] = [
  {
    official:
      '`train.py --dataset_name="cifar10" --batch=128 --total_kimg=10 $SOLVER_FLAGS $SCHEDULE_FLAGS` (AMED-Solver)',
    typed: commands.train,
    out: 'fid 1.000, rmse_to_teacher 22.30',
    against:
      'the official training on this checkpoint with the same settings: FID 1.003, RMSE 22.25; other draws of the training latents. The loop itself: `golden/training`, losses, gradients and weights',
    check: (world) => amed(world, commands.train(world.size)),
  },
  {
    official: '`train.py … --sampler_stu=ipndm … $ADDITIONAL_FLAGS` (AMED-Plugin)',
    typed: commands.plugin,
    out: 'fid 1.483, rmse_to_teacher 21.02',
    against:
      'the official training on this checkpoint with the same settings: FID 2.054, RMSE 22.63; with other draws, while scores still fall (2.132 and 22.72 here after 1 kimg). After so little training plain ipndm is better in both',
    check: (world) => plugin(world, commands.plugin(world.size)),
  },
  {
    official: '`sample.py --predictor_path=0 --batch=128 --seeds="0-49999"`',
    typed: commands.sample,
    out: '512 images, `samples/digits/amed_nfe5/000000.png` and so on',
    against:
      '`golden/official-predictors`: the official sampler’s images of seeds 0–31 with this predictor; of 1,000 pixels 999 within 1 of 255',
    async check(world) {
      await world.json(commands.sample(world.size));
      await equalsGolden(join(world.folder, samples), firstImages());
    },
  },
  {
    official: '`sample.py --predictor_path=path/to/network-snapshot-000010.pkl --return_inters=True`',
    typed: commands.byPath,
    out: '4 images, `thousands/000000/000000.png` and so on, and what they go through, `thousands/inters/inters.png`',
    against: 'the same',
    async check(world) {
      await world.json(commands.byPath());
      await equalsGolden(join(world.folder, 'thousands'), firstImages('000000/'));
    },
  },
  {
    official: '`sample.py --predictor_path=0 --grid=True`',
    typed: commands.grid,
    out: '`samples/grids/digits/amed_nfe5/grid.png`, 2 × 2 images',
    against: '`golden/images`: grids as the official code writes them',
    async check(world) {
      await world.json(commands.grid());
      const name = join(world.folder, 'samples/grids/digits/amed_nfe5/grid.png');
      const { width, height } = await decodeImage(await readFile(name), name);
      deepEqual([width, height], [64, 64]);
    },
  },
  {
    official: '`fid.py ref --data=path/to/my-dataset.zip --dest=path/to/save/my-dataset.npz`',
    typed: commands.reference,
    out: 'mean and covariance of 10,000 images, 224 features',
    against: '`golden/metrics`: statistics as the official code writes them',
    async check(world) {
      await world.json(commands.sample(world.size)); // the small data
      const { images, dim } = await world.json(commands.reference(world.size));
      deepEqual([images, dim], [world.size === fullSize ? 10_000 : 4, 224]);
    },
  },
  {
    official: '`fid.py calc --images=path/to/images --ref=path/to/fid/stat`',
    typed: commands.fid,
    out: 'fid 0.989',
    against: '`golden/official-predictors`: 0.9888 by the official sampler and score, within 1 %',
    async check(world) {
      await world.json(commands.sample(world.size));
      await world.json(commands.reference(world.size));
      const { sets } = await world.json(commands.fid());
      // at small size the images are their own reference
      if (world.size === fullSize) near(sets[0].fid, 0.9888, 0.01);
      else ok(Math.abs(sets[0].fid) < 1e-6);
    },
  },
  {
    official: '`fid.py calc --num=100 --seed=1`',
    typed: commands.drawn,
    out: 'fid 1.193, of 100 of 512 images',
    against: 'the same images, drawn by NumPy: 1.193',
    async check(world) {
      await world.json(commands.sample(world.size));
      const { sets } = await world.json(commands.drawn(world.size));
      equal(sets[0].images, world.size.num);
      if (world.size === fullSize) near(sets[0].fid, 1.1933, 0.001);
    },
  },
  {
    official: 'the notebook’s `read_amed_predictor`',
    typed: commands.show,
    out: '7 noise levels, with what scales direction and time at each',
    against:
      '`golden/students`: what a predictor decides under the analytical first step, where it sees zeros',
    async check(world) {
      const { sigmas } = await world.json(commands.show());
      equal(sigmas.length, 7);
    },
  },
  {
    official: '`dataset_tool.py --source=… --dest=… --transform=center-crop --resolution=16x16`',
    typed: commands.dataset,
    out: '3 images of 16 × 16, RGB',
    against: 'pixels of Pillow, in `packages/metrics/fixtures`',
    async check(world) {
      await world.json(commands.sample(world.size));
      const { images, width, channels } = await world.json(commands.dataset());
      deepEqual([images, width, channels], [3, 16, 3]);
    },
  },
];
