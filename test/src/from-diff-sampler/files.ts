import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equal, type Group, ok } from './row.js';
import { commands, exp } from './world.js';

/** What a person has or gets, and where. */
export const files: Group = {
  title: 'Files and folders',
  rows: [
    {
      official: '`exps/00000-cifar10-4-5-amed-heun-1-uni1-afs/`',
      here: '`results/NAME/LABEL/`',
      note: 'a folder for an experiment, one in it for each point of its grid; the name is the spec’s',
      async check(world) {
        await world.run(commands.train(world.size));
        ok((await readdir(join(world.folder, 'results/amed'))).includes('amed'));
      },
    },
    {
      official: '`network-snapshot-000010.pkl`',
      here: '`predictor.safetensors`',
      note: 'weights, and the settings as JSON; either is taken as `predictor`. A training there that ends with its first batch writes none',
      async check(world) {
        await world.run(commands.train(world.size));
        ok((await readdir(join(world.folder, 'results/amed/amed'))).includes('predictor.safetensors'));
        equal((await readdir(join(world.folder, exp))).join(), 'network-snapshot-000010.pkl');
      },
    },
    {
      official: '`000000/000017.png`',
      here: '`000017.png`, with `--subdirs` the same',
      note: 'grey images of one channel are written, too, which stops there',
      async check(world) {
        await world.run(commands.subdirs(world.size));
        const png = await readFile(join(world.folder, 'thousands/000000/000007.png'));
        equal(png[25], 0); // grey
      },
    },
    {
      official: '`../diff-solvers-main/src/DATASET/` (its README: `./src/`)',
      here: '`models/`, or `$FEWSTEP_MODELS`',
      note: 'one folder, under the names that the files are published with; `fewstep models list` tells them, `models fetch` gets them. There they are fetched when they are missed',
      async check(world) {
        const { models } = await world.json('fewstep models list');
        const [digits] = models.filter(({ name }: { name: string }) => name === 'digits');
        ok(digits.files.every(({ here }: { here: boolean }) => here));
        const names = models.map(({ name }: { name: string }) => name);
        for (const name of ['cifar10', 'lsun_bedroom_ldm', 'ms_coco']) ok(names.includes(name));
      },
    },
  ],
};
