import { equal, ok } from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Group, pointOf } from './row.js';
import { commands, exp, snapshot, type World } from './world.js';

/** What the run of the digits leaves. */
const left = async (world: World, ...folder: string[]) => {
  await world.json(commands.train(world.size));
  return readdir(join(world.folder, 'results/amed', ...folder));
};
const all = async (world: World, names: readonly string[], ...folder: string[]) => {
  const there = await left(world, ...folder);
  for (const name of names) ok(there.includes(name), `${name} is not among ${there}`);
};

/** What a person has or gets, and where. */
export const files: Group = {
  title: 'Files and folders',
  rows: [
    {
      official: '`exps/00000-cifar10-4-5-amed-heun-1-uni1-afs/`',
      here: '`results/NAME/LABEL/`',
      note: 'a folder for an experiment, one in it for each point of its grid. Folders that are there keep their place: `--predictor 0` looks into them',
      async check(world) {
        await all(world, ['amed']);
        equal((await readdir(join(world.folder, exp))).join(), snapshot);
      },
    },
    {
      official: '`network-snapshot-000010.pkl`',
      here: '`predictor.safetensors`',
      note: 'weights, and the settings as JSON. A training there that ends with its first batch writes none',
      check: (world) => all(world, ['predictor.safetensors'], 'amed'),
    },
    {
      official: '`training-state-000010.pt`',
      here: '–',
      note: 'never written there: the line that would is a comment. What a run has finished is in the store',
      check: async (world) =>
        equal(
          (await left(world, 'amed')).some((name) => name.endsWith('.pt')),
          false,
        ),
    },
    {
      official: '`training_options.json`',
      here: '`spec.yaml`, `run.json`',
      note: 'the spec with all that was told, to be run again; seeds, versions, device, dates, command line and exit',
      async check(world) {
        await all(world, ['spec.yaml', 'run.json']);
        ok((await world.read('results/amed/spec.yaml')).includes('time_uniform'));
      },
    },
    {
      official: '`log.txt`',
      here: '`log.txt`',
      note: 'what the run said, each run after the other',
      check: (world) => all(world, ['log.txt']),
    },
    {
      official: '`stats.jsonl`, a line per kimg',
      here: '`stats.jsonl`, a line per iteration',
      note: 'losses, and mean and spread of what the predictor decides, for each interval; there these are printed alone',
      async check(world) {
        await all(world, ['stats.jsonl'], 'amed');
        const [line] = (await world.read('results/amed/amed/stats.jsonl')).split('\n');
        equal(JSON.parse(line!).intervals.length, 3);
      },
    },
    {
      official: '`samples/cifar10/amed_nfe5/000000/000017.png`',
      here: '`samples/cifar10/amed_nfe5/000017.png`',
      note: 'with `--subdirs` the same. Grey images of one channel are written, too, which stops there',
      async check(world) {
        await world.json(commands.byPath());
        const png = await readFile(join(world.folder, 'thousands/000000/000003.png'));
        equal(png[25], 0); // grey
      },
    },
    {
      official: '`../diff-solvers-main/src/DATASET/` (its README: `./src/`)',
      here: '`models/`, or `$FEWSTEP_MODELS`',
      note: 'one folder, under the names that the files are published with; `fewstep models list` tells them',
      async check(world) {
        const { models } = await world.json('fewstep models list');
        const names = models.map(({ name }: { name: string }) => name);
        for (const name of ['digits', 'cifar10', 'lsun_bedroom_ldm', 'ms_coco']) ok(names.includes(name));
      },
    },
    {
      official: '`lsun_bedrooms.zip`, `models/ldm_models/first_stage_models/vq-f4/`',
      here: '`lsun_bedrooms.zip`, `vq-f4.zip`',
      note: 'unpacked there, read as they are here; the first stage has a name of its own, `vq-f4`',
      async check(world) {
        const { models } = await world.json('fewstep models list');
        ok(models.some(({ name }: { name: string }) => name === 'vq-f4'));
      },
    },
    {
      official: 'FID statistics, a shared folder of .npz',
      here: '`models/`, by the names that the registry has',
      note: 'those of EDM’s data sets are fetched; others, as `ms_coco-512x512.npz`, are put there by hand, which a run and a plan say. Then `evaluate: [fid]` and `--ref ms_coco` find them',
      async check(world) {
        const { models } = await world.json('fewstep models list');
        const { files } = models.find(({ name }: { name: string }) => name === 'ms_coco');
        ok(files.some(({ name }: { name: string }) => name === 'ms_coco-512x512.npz'));
      },
    },
    {
      official: '`MS-COCO_val2014_30k_captions.csv`',
      here: 'the same',
      note: '`fewstep models fetch ms_coco`; the prompts of ms_coco by default. Any text or CSV with a column `text` is taken as `guidance.prompts`',
      async check() {
        const prompts = 'guidance={ type: cfg, prompts: packages/runner/package.json }';
        ok((await pointOf('dataset=ms_coco', prompts)).guidance?.prompts);
      },
    },
  ],
};
