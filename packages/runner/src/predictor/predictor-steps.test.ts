import { initPredictor, placement } from '@fewstep/solvers';
import { describe, expect, it } from 'vitest';
import { datasetNamed } from '../experiment/named-datasets.js';
import { type NoiseOf, noiseOf, stepsOf } from './predictor-steps.js';

const noiseOfNamed = (name: string) => {
  const dataset = datasetNamed(name, { specFolder: '/specs', cwd: '/', models: '/models' });
  if (typeof dataset === 'string') throw new Error(dataset);
  return noiseOf(dataset) as NoiseOf;
};

/** As the predictor that is published for Stable Diffusion was trained, its weights aside. */
const student = { solver: 'dpmpp', num_steps: 6, afs: false, scale_dir: 0.01, scale_time: 0.2 };
const published = {
  settings: { schedule: { type: 'discrete', rho: 1 }, student },
  predictor: initPredictor({ seed: 1, outputs: placement(student) }),
};

describe('the steps of a predictor', () => {
  const steps = stepsOf(published, noiseOfNamed('ms_coco'));

  it('lie on the times that the official notebook prints of its schedule', () => {
    const printed = [999, 899, 799, 699, 599, 500, 400, 300, 200, 100, 0];
    expect(steps.original.timesteps).toEqual(printed);
    const isGiven = (_: unknown, i: number) => i % 2 === 0;
    expect(steps.timesteps!.filter(isGiven)).toEqual(printed.filter(isGiven));
    expect(steps.sigmas.filter(isGiven)).toEqual(steps.original.sigmas.filter(isGiven));
    // it rounds the range to 0.0292 and 14.6146, which moves no time
    const rounded = stepsOf(published, { ...noiseOfNamed('ms_coco'), sigmaMin: 0.0292, sigmaMax: 14.6146 });
    expect(rounded.original.timesteps).toEqual(printed);
    expect(rounded.timesteps).toEqual(steps.timesteps);
  });

  it('are moved and scaled between them alone', () => {
    for (const k of [0, 1, 2, 3, 4]) {
      const [from, middle, to] = [0, 1, 2].map((i) => Math.log(steps.sigmas[2 * k + i]!)) as [
        number,
        number,
        number,
      ];
      expect(middle).toBeCloseTo(from + steps.r[k]! * (to - from), 12);
      expect([steps.scale_dirs[2 * k], steps.scale_times[2 * k]]).toEqual([1, 1]);
      expect(Math.abs(steps.scale_dirs[2 * k + 1]! - 1)).toBeLessThan(0.01);
    }
    expect(new Set(steps.scale_times).size).toBe(6);
  });

  it('have no times where a network was trained on none', () => {
    const others = { ...published, settings: { student, schedule: { type: 'polynomial', rho: 7 } } };
    const { timesteps, original, sigmas } = stepsOf(others, noiseOfNamed('cifar10'));
    expect([timesteps, original.timesteps, sigmas[0], sigmas[10]]).toEqual([undefined, undefined, 80, 0.002]);
  });
});
