import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  exportDenoiser,
  type LoadedDenoiser,
  openDenoiser,
  readEdmCheckpoint,
  toUint8,
} from '@fewstep/models';
import { sigmas } from '@fewstep/schedules';
import { draw, euler, type RngName, rngs, solve } from '@fewstep/solvers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { workspace } from './small-experiment.js';

const digits = join(root, 'experiments/digits/digits-edm.pkl');
const unconditional = join(root, 'packages/models/fixtures/edm-ncsnpp-uncond.p2.pkl');
const spec = `name: seeds
dataset: { checkpoint: ${digits} }
schedule: { type: polynomial, rho: 7 }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 3-5, batch: 2, grid: 3x1 }
reference: { solver: euler, num_steps: 3 }
evaluate: [rmse_to_teacher, psnr_to_teacher]
grid:
  points:
    - label: default
    - { label: card, sample.rng: torch-cuda }
    - { label: sevens, sample.classes: 7 }
    - { label: listed, sample: { rng: torch-cuda, classes: [4, 1] } }
`;

let dir: string;
let denoiser: LoadedDenoiser;
beforeAll(async () => {
  dir = await workspace(spec);
  denoiser = await opened(digits);
});
afterAll(async () => {
  await denoiser.close();
  await rm(dir, { recursive: true, force: true });
});

async function opened(checkpoint: string): Promise<LoadedDenoiser> {
  const { graph, info } = exportDenoiser(await readEdmCheckpoint(checkpoint));
  return openDenoiser(graph, info);
}

/** The image of a seed, by the packages alone. */
async function image(seed: number, rng: RngName, given?: number, of = denoiser): Promise<Uint8Array> {
  const { channels, resolution, labelDim } = of.info;
  const { latent, label } = draw(seed, [channels, resolution, resolution], labelDim, rngs[rng]);
  const levels = sigmas({ type: 'polynomial', rho: 7 }, { numSteps: 3, sigmaMin: 0.002, sigmaMax: 80 });
  const { x } = await solve({
    solver: euler,
    x: latent.map((value) => value * 80),
    n: 1,
    sigmas: levels,
    denoise: (request) => of.evaluate({ ...request, labels: [given ?? label!] }),
  });
  return toUint8(x);
}

describe('the seeds of a spec', () => {
  it('have the latents and the classes that it says, in the reference too', async () => {
    const { code, stdout, stderr } = await fewstep(['run', 'spec.yaml', '--json'], { cwd: dir });
    expect(code, stderr).toBe(0);
    // The reference is the student here: any other latent or class would show.
    const report = experimentJson(stdout);
    for (const { metrics } of report.points)
      expect(metrics).toEqual({ rmse_to_teacher: 0, rmse_to_teacher_se: 0, psnr_to_teacher: null });
    // A shard, which is the reference too, a picture and one task for both scores of each.
    expect(report.tasks.computed).toBe(1 + 4 * (1 + 1 + 1) + 1);
    expect(await readFile(join(dir, 'results/seeds/table.md'), 'utf8')).toMatch(
      /\| default \| +2 \| +0\.00 .*∞ \|/,
    );

    await fewstep(['sample', 'spec.yaml', '--outdir', 'images'], { cwd: dir });
    const drawn = async (label: string, seed: number) =>
      new Uint8Array(
        await sharp(join(dir, `images/${label}/00000${seed}.png`))
          .extractChannel(0)
          .raw()
          .toBuffer(),
      );
    expect(await drawn('default', 5)).toEqual(await image(5, 'torch-cpu'));
    expect(await drawn('card', 5)).toEqual(await image(5, 'torch-cuda'));
    expect(await drawn('sevens', 4)).toEqual(await image(4, 'torch-cpu', 7));
    expect(await drawn('listed', 3)).toEqual(await image(3, 'torch-cuda', 1));
    expect(await drawn('listed', 4)).toEqual(await image(4, 'torch-cuda', 4));
  });

  it('have the colours of the emoji of their class', async () => {
    const set = ['dataset=emoji', 'grid=null', 'sample.classes=8'].flatMap((value) => ['--set', value]);
    const { code, stderr } = await fewstep(
      ['sample', 'spec.yaml', ...set, '--seeds', '0-1', '--outdir', 'flags'],
      { cwd: dir, env: { FEWSTEP_MODELS: join(root, 'experiments') } },
    );
    expect(code, stderr).toBe(0);
    const emoji = await opened(join(root, 'experiments/emoji/emoji-edm.pkl'));
    const planes = await image(1, 'torch-cpu', 8, emoji);
    await emoji.close();
    const { data, info } = await sharp(join(dir, 'flags/000001.png'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 32, height: 32, channels: 3 });
    expect([...data]).toEqual(Array.from(data, (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)]));
  });

  it('keep their results where the defaults are spelled out', async () => {
    const spelled = ['--set', 'sample.rng=torch-cpu', '--set', 'sample.classes=random', '--set', 'grid=null'];
    const { stdout } = await fewstep(['plan', 'spec.yaml', '--json', ...spelled], { cwd: dir });
    const tasks: { kind: string; found: boolean }[] = experimentJson(stdout).tasks;
    expect(tasks.filter(({ kind }) => kind === 'samples').every(({ found }) => found)).toBe(true);
  });

  it.each([
    ['a class that the network has not', digits, 'E_CLASSES sample.classes names class 10'],
    ['a class of a network without', unconditional, 'E_CLASSES sample.classes names classes'],
  ])('refuse %s as wrong input', async (_, checkpoint, reason) => {
    const set = [`dataset.checkpoint=${checkpoint}`, 'sample.classes=10', 'grid=null'];
    const args = ['run', 'spec.yaml', ...set.flatMap((value) => ['--set', value])];
    const { code, stderr } = await fewstep(args, { cwd: dir });
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
  });
});
