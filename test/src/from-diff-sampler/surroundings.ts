import { equal, type Group, ok } from './row.js';

/** What a command is started by and finds around it. */
export const surroundings: Group = {
  title: 'Around it',
  rows: [
    {
      official: '`torchrun --standalone --nproc_per_node=4 --master_port=11111 train.py`',
      here: '`--device cuda:0,1,2,3`',
      note: 'one command; each batch is split over the GPUs, so that their number changes no result. There each GPU draws from a generator of its own, and a training on 4 is another than on 1',
      async check(world) {
        ok((await world.run('fewstep run --help')).stdout.includes('cuda:0,1'));
      },
    },
    {
      official: '`python fid.py`',
      here: '`fewstep fid`',
      note: 'features for scores are computed on the CPU; there on CUDA alone, as everything is',
      async check(world) {
        ok(!(await world.run('fewstep fid calc --help')).stdout.includes('--device'));
      },
    },
    {
      official: '`~/.cache/dnnlib`, `$DNNLIB_CACHE_DIR`',
      here: '`models/`, or `$FEWSTEP_MODELS`',
      note: 'Inception-v3 for FID is the one that pytorch-fid publishes, there NVIDIA’s pickle of the same network: `fewstep models fetch inception`',
      async check(world) {
        const { models } = await world.json('fewstep models list');
        const inception = models.find(({ name }: { name: string }) => name === 'inception');
        equal(inception.files[0].name, 'pt_inception-2015-12-05-6726825d.pth');
      },
    },
  ],
};
