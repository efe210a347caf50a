import { equal, type Group, none, ok, refused } from './row.js';
import { commands } from './world.js';

/** `fid.py`, `clip_score.py` and EDM's `dataset_tool.py`. */
export const evaluation: readonly Group[] = [
  {
    title: 'fid.py',
    rows: [
      {
        official: 'calc --images',
        theirs: 'needed',
        here: '`fewstep fid calc IMAGES`',
        ours: 'needed',
        note: 'a folder or zip, of any number of images from 2 on; there of 10,000, 30,000 or 50,000 alone. A run scores its samples itself with `evaluate: [fid]`, without writing them',
        async check(world) {
          await world.run(commands.sample(world.size));
          await world.run(commands.reference(world.size));
          equal((await world.json(commands.fid())).images, 8);
        },
      },
      {
        official: 'calc --ref',
        theirs: 'needed',
        here: '`--ref`',
        ours: 'needed',
        note: 'an .npz as there, or a zip or folder of images',
        async check(world) {
          await world.run(commands.sample(world.size));
          const features = '--features digits/digits-features.onnx';
          const { fid, realImages } = await world.json(`fewstep fid calc samples --ref samples ${features}`);
          ok(Math.abs(fid) < 1e-6);
          equal(realImages, 8);
        },
      },
      {
        official: 'ref --data, --dest',
        theirs: 'needed',
        here: '`fewstep fid ref IMAGES --dest NPZ`',
        ours: 'needed',
        note: 'the official code reads what is written. There data of another number than the three stop with an AssertionError',
        async check(world) {
          await world.run(commands.sample(world.size));
          equal((await world.json(commands.reference(world.size))).file, 'digits.npz');
        },
      },
    ],
  },
  {
    title: 'clip_score.py',
    rows: [
      none(
        'calc --images, --num, --seed, --batch',
        'needed, all, 0, 250',
        'its README has it, its folder doesn’t: it is in diff-solvers-main. No CLIP score here yet: the images that `fewstep sample` writes are named and sorted as it expects, seeds 0 to 29999 without gaps; `--subdirs` makes the same folders',
        () => refused('evaluate=[clip_score]'),
      ),
    ],
  },
];
