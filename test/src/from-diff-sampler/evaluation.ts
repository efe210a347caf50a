import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resize } from '@fewstep/metrics';
import { decodeImage, readImages } from '@fewstep/metrics/images';
import type { Group } from './row.js';
import { commands, samples, type World } from './world.js';

const fid = async (world: World) => {
  await world.json(commands.sample(world.size));
  await world.json(commands.reference(world.size));
  const { sets } = await world.json(commands.fid());
  equal(sets.length, 1);
  return sets[0];
};
const drawn = async (world: World) => {
  await world.json(commands.sample(world.size));
  const { sets } = await world.json(commands.drawn(world.size));
  return sets[0];
};
/** The CLIP score of some samples, by a tiny CLIP. */
const shown = async (world: World) => {
  await world.json(commands.sample(world.size));
  const { sets } = await world.json(commands.shown(world.size));
  return sets[0];
};
/** The file of a name of the registry, the first or that of a role. */
const fileNamed = async (world: World, name: string, role?: string): Promise<string> => {
  const { models } = await world.json('fewstep models list');
  const { files } = models.find((one: { name: string }) => one.name === name);
  return files.find((one: { role: string }) => role === undefined || one.role === role).name;
};
const made = async (world: World) => {
  await world.json(commands.sample(world.size));
  return world.json(commands.dataset());
};

/** `fid.py`, `clip_score.py` and EDM's `dataset_tool.py`. */
export const evaluation: readonly Group[] = [
  {
    title: 'fid.py',
    rows: [
      {
        official: 'calc --images',
        theirs: 'needed',
        here: '`fewstep fid calc IMAGES…`',
        ours: 'needed',
        note: 'folders or zips, of any number of images from 2 on, a line each; there one, of 10,000, 30,000 or 50,000 alone. A run scores its samples itself with `evaluate: [fid]`, without writing them',
        check: async (world) => equal((await fid(world)).images, 4),
      },
      {
        official: 'calc --ref',
        theirs: 'needed',
        here: '`--ref`',
        ours: 'needed',
        note: 'an .npz or its address as there; or a zip or folder of images, or a name of the registry, as `cifar10`',
        async check(world) {
          ok(Math.abs((await fid(world)).fid) < 1e-6);
          equal((await drawn(world)).realImages, 4);
        },
      },
      {
        official: 'calc --num',
        theirs: 'all',
        here: '`--num`',
        ours: 'all',
        note: 'the same images: NumPy’s shuffle of their numbers, then their order. Fewer than asked for are an error in both',
        async check(world) {
          const { images, of } = await drawn(world);
          deepEqual([images, of], [3, 4]);
        },
      },
      {
        official: 'calc --seed',
        theirs: '0',
        here: '`--seed`',
        ours: '0',
        note: 'of that shuffle, modulo 2³¹',
        check: async (world) => equal((await drawn(world)).seed, 1),
      },
      {
        official: 'calc --batch, ref --batch',
        theirs: '250, 500',
        here: '`--batch`',
        ours: '256',
        note: 'memory and speed alone; here no bit depends on it',
        check: drawn, // by 3
      },
      {
        official: 'ref --data, --dest',
        theirs: 'needed',
        here: '`fewstep fid ref IMAGES --dest NPZ`',
        ours: 'needed',
        note: 'the official code reads what is written. There data of another number than the three stop with an AssertionError',
        async check(world) {
          await world.json(commands.sample(world.size));
          equal((await world.json(commands.reference(world.size))).file, 'digits.npz');
        },
      },
      {
        official: 'Inception-v3, of an address in the code',
        theirs: 'NVIDIA’s pickle',
        here: '`--features`',
        ours: 'inception',
        note: 'the one that pytorch-fid publishes, of the same TensorFlow weights: `fewstep models fetch inception`; or NVIDIA’s file itself, as `inception-2015-12-05.pkl`; or another network, as `digits`',
        async check(world) {
          equal(await fileNamed(world, 'inception'), 'pt_inception-2015-12-05-6726825d.pth');
        },
      },
    ],
  },
  {
    title: 'clip_score.py',
    rows: [
      {
        official: 'calc --images',
        theirs: 'needed',
        here: '`fewstep clip-score calc IMAGES…`',
        ours: 'needed',
        note: 'its README has the script, its folder doesn’t: it is in diff-solvers-main. Folders or zips of images named by their seeds, a line each: an image has the caption of its seed, there that of its place among the sorted files. A run scores its samples itself with `evaluate: [clip_score]`',
        async check(world) {
          const { clip_score, clip_score_se, images } = await shown(world);
          ok(Math.abs(clip_score) <= 100 && clip_score_se > 0);
          equal(images, 3);
        },
      },
      {
        official: 'calc --num',
        theirs: 'all',
        here: '`--num`',
        ours: 'all',
        note: 'the same images, as fid.py draws them; here with their captions',
        check: async (world) => equal((await shown(world)).of, 4),
      },
      {
        official: 'calc --seed',
        theirs: '0',
        here: '`--seed`',
        ours: '0',
        note: 'of that draw',
        check: async (world) => equal((await shown(world)).seed, 1),
      },
      {
        official: 'calc --batch',
        theirs: '250',
        here: '`--batch`',
        ours: '64',
        note: 'without effect there, memory and speed alone here',
        check: shown, // by 3
      },
      {
        official: 'ViT-g-14 of laion2b_s34b_b88k',
        theirs: 'by open_clip',
        here: '`--clip`',
        ours: 'clip-vit-g-14',
        note: 'the same file: `fewstep models fetch clip-vit-g-14`; or another, as `clip-vit-l-14`',
        check: async (world) => equal(await fileNamed(world, 'clip-vit-g-14'), 'open_clip_pytorch_model.bin'),
      },
      {
        official: 'MS-COCO_val2014_30k_captions.csv, of the downloads',
        theirs: 'its 30,000',
        here: '`--prompts`',
        ours: 'its 30,000',
        note: 'or a file of your own; more images than captions stop there with an error, here seed s has caption s mod their number',
        check: async (world) =>
          equal(await fileNamed(world, 'ms_coco', 'prompts'), 'MS-COCO_val2014_30k_captions.csv'),
      },
    ],
  },
  {
    title: 'dataset_tool.py',
    rows: [
      {
        official: '--source',
        theirs: 'needed',
        here: '`fewstep dataset SOURCE OUT.zip`',
        ours: 'needed',
        note: 'a folder, a zip, CIFAR-10 for Python (its pickles are read as data) or as binary files, MNIST; told by their content, there by their names. LSUN’s lmdb is refused with how to make a folder of it',
        check: async (world) => equal((await made(world)).images, 3),
      },
      {
        official: '--dest',
        theirs: 'needed',
        here: '`OUT.zip`',
        ours: 'needed',
        note: 'a zip that is whole or not there; folders are not written, and nothing is written over. names, dataset.json and PNG files without compression are the same',
        async check(world) {
          equal((await made(world)).file, 'set.zip');
          const names = [];
          for await (const batch of readImages(join(world.folder, 'set.zip'))) names.push(...batch.names);
          equal(names[2], '00000/img00000002.png');
        },
      },
      {
        official: '--max-images',
        theirs: 'all',
        here: '`--max-images`',
        ours: 'all',
        note: 'the first',
        check: async (world) => equal((await made(world)).images, 3),
      },
      {
        official: '--transform',
        theirs: 'none',
        here: '`--transform`',
        ours: 'none',
        note: 'center-crop, center-crop-wide; both make RGB of grey',
        check: async (world) => equal((await made(world)).channels, 3),
      },
      {
        official: '--resolution',
        theirs: 'as they are',
        here: '`--resolution`',
        ours: 'as they are',
        note: 'by Lanczos as Pillow has it, to the byte; `--resize area` is its box. Others than square images of a power of two stop there, here they are told',
        async check(world) {
          const { width, height } = await made(world);
          deepEqual([width, height], [16, 16]);
          const name = join(world.folder, samples, '000000.png');
          const whole = resize(await decodeImage(await readFile(name), name), 16, 16, 'lanczos');
          for await (const { data } of readImages(join(world.folder, 'set.zip'), { batch: 1 })) {
            deepEqual(data.subarray(0, 256), whole.data);
            break;
          }
        },
      },
    ],
  },
];
