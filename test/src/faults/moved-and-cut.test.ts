import { cp, mkdir, mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep } from '../command-line.js';
import { picturesAt } from './small-data.js';
import { digits, plan, recordsOf, removeAll, run } from './small-store.js';

const spec = `name: moved
dataset: { checkpoint: digits.pkl, reference_data: images, feature_network: features.onnx }
schedule: { type: polynomial, rho: 7 }
student: { solver: amed, num_steps: 2 }
sample: { batch: 2, grid: 1x1 }
train: { total_kimg: 0.008, batch: 4 }
evaluate: [fid]
`;

const imageBytes = 32 * 32;

let dir: string;
let project: string;
const seeds = (text: string) => ['spec.yaml', '--set', `sample.seeds="${text}"`, '--store', '../store'];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  project = join(dir, 'here');
  await mkdir(project);
  await cp(digits.checkpoint, join(project, 'digits.pkl'));
  await cp(digits.features, join(project, 'features.onnx'));
  await picturesAt(join(project, 'images'), 2, 1);
  await writeFile(join(project, 'spec.yaml'), spec);
  // Shards that a single run over all of them would not have cut: 0-4, 5-7, 8-11.
  await run(project, seeds('0-4'));
  await run(project, seeds('0-11'));
  await rename(project, join(dir, 'there'));
  project = join(dir, 'there');
});
afterAll(() => removeAll([dir]));

/** How many images networks have given so far, and how many shards there are of what else is dear. */
async function spent() {
  const sizes = { samples: [] as number[], teacher: [] as number[], features: [] as number[] };
  for (const { record } of await recordsOf(join(dir, 'store'))) {
    const kind = record.components.kind as keyof typeof sizes;
    for (const { size } of kind in sizes ? Object.values(record.outputs!) : []) sizes[kind].push(size);
  }
  const images = sizes.samples.reduce((sum, size) => sum + Math.floor(size / imageBytes), 0);
  return { images, teacher: sizes.teacher.length, features: sizes.features.length };
}

describe('a project that was moved, its store elsewhere', () => {
  it('computes nothing again', async () => {
    expect(await plan(project, seeds('0-11'))).toMatchObject({ toCompute: 0 });
    expect((await run(project, seeds('0-11'))).tasks.computed).toBe(0);
  });

  it('adds seeds to those that it has', async () => {
    const before = await spent();
    await run(project, seeds('0-13'));
    expect(await spent()).toMatchObject({ images: before.images + 2, teacher: before.teacher });
  });
});

describe('a part of what is in the store', () => {
  it('is taken from it: fewer seeds', async () => {
    const before = await spent();
    await run(project, seeds('1-2,6-9'));
    expect(await spent()).toEqual(before);
  });

  it('is taken for images, too', async () => {
    const before = await spent();
    for (const [some, outdir] of [
      ['0-4', 'all'],
      ['2-3', 'some'],
    ]) {
      const args = ['sample', 'spec.yaml', '--seeds', some!, '--outdir', outdir!, '--store', '../store'];
      expect((await fewstep(args, { cwd: project })).code).toBe(0);
    }
    expect(await spent()).toEqual(before);
    const names = await readdir(join(project, 'some'));
    expect(names).toEqual(['000002.png', '000003.png']);
    for (const name of names) {
      const [one, other] = ['some', 'all'].map((outdir) => readFile(join(project, outdir, name)));
      expect(await one).toEqual(await other);
    }
  });

  it('is taken for training: fewer images of the teacher', async () => {
    const before = await spent();
    const less = spec.replace('name: moved', 'name: less').replace('total_kimg: 0.008', 'total_kimg: 0.004');
    await writeFile(join(project, 'less.yaml'), less);
    await run(project, ['less.yaml', ...seeds('0-1').slice(1)]);
    expect((await spent()).teacher).toBe(before.teacher);
  });
});
