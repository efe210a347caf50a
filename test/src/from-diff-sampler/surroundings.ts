import { ok } from 'node:assert/strict';
import type { Group } from './row.js';

/** What a command is started by and finds around it. */
export const surroundings: Group = {
  title: 'Around it',
  rows: [
    {
      official: '`torchrun --standalone --nproc_per_node=4 --master_port=11111 train.py`',
      here: '`--device cuda:0,1,2,3`',
      note: 'one command; each GPU has tasks of its own: shards of the teacher, of samples and features, points of a grid. A training is one task and stays on one GPU, so that their number changes no result. There each GPU draws from a generator of its own, and a training on 4 is another than on 1',
      async check(world) {
        ok((await world.run('fewstep run --help')).stdout.includes('cuda:0,1'));
      },
    },
    {
      official: 'weights, fetched when they are missed',
      here: '`fewstep run --fetch`, `models fetch`',
      note: 'how large they are is told first; a run without it says what is missing and how it is had',
      async check(world) {
        ok((await world.run('fewstep run --help')).stdout.includes('--fetch'));
      },
    },
    {
      official: '`~/.cache/dnnlib`, `$DNNLIB_CACHE_DIR`',
      here: '`models/`, or `$FEWSTEP_MODELS`',
      note: 'what an address gives is downloaded once, in both',
      async check(world) {
        const { models } = await world.json('fewstep models list');
        const { files } = models.find(({ name }: { name: string }) => name === 'digits');
        ok(files[0].path.endsWith('packages/digits/digits-edm.pkl'));
      },
    },
  ],
};
