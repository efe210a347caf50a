import { deepEqual, equal, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { frechetDistance } from '@fewstep/metrics';
import { readOfficialPredictor } from '@fewstep/models';
import { sigmas } from '@fewstep/schedules';
import { draw, initPredictor, parseSeeds, placement, predict, steered, trainStep } from '@fewstep/solvers';
import type { Group } from './row.js';
import { golden } from './world.js';

/** What other code imports. */
export const library: Group = {
  title: 'As a library',
  rows: [
    {
      official: '`solver_utils.get_schedule`',
      here: '`sigmas` of @fewstep/schedules',
      note: 'the ends are exactly σ_max and σ_min',
      check() {
        const [first, , last] = sigmas(
          { type: 'polynomial', rho: 7 },
          { numSteps: 3, sigmaMin: 0.002, sigmaMax: 80 },
        );
        deepEqual([first, last], [80, 0.002]);
      },
    },
    {
      official: '`solvers_amed.amed_sampler`, `dpm_pp_sampler` and the others',
      here: '`steered` and `methods` of @fewstep/solvers, driven by `solve`',
      note: 'a solver asks for an evaluation and knows no network; with a predictor and without are two names',
      check: () => deepEqual(Object.keys(steered).sort(), ['amed', 'dpm', 'dpmpp', 'euler', 'ipndm']),
    },
    {
      official: '`training.networks.AMED_predictor`',
      here: '`initPredictor`, `predict` of @fewstep/solvers',
      note: 'the same weights from the same seed',
      check() {
        const predictor = initPredictor({ seed: 1, outputs: placement({ scale_dir: 0.01 }) });
        equal(predictor.weights['enc_layer0.weight']!.data[0]!.toFixed(6), '-0.092578'); // the official one
        const { r, scale_dir } = predict(predictor)(new Float64Array(64), 80, 10);
        ok(r![0]! > 0 && r![0]! < 1 && Math.abs(scale_dir![0]! - 1) < 0.01);
      },
    },
    {
      official: '`pickle.load(f)["model"]`',
      here: '`readOfficialPredictor` of @fewstep/models',
      note: 'weights and settings; nothing is executed',
      async check() {
        const { settings } = await readOfficialPredictor(join(golden, 'amed-5.pkl'));
        deepEqual(
          [settings.sampler_stu, settings.num_steps, settings.schedule_type],
          ['amed', 4, 'time_uniform'],
        );
      },
    },
    {
      official: '`training.loss.AMED_loss`',
      here: '`trainStep` of @fewstep/solvers',
      note: 'an iteration over all intervals; derivatives by central differences in what the predictor decides',
      check: () => equal(typeof trainStep, 'function'),
    },
    {
      official: '`sample.StackedRandomGenerator`, `parse_int_list`',
      here: '`draw`, `parseSeeds` of @fewstep/solvers',
      note: 'PyTorch’s CPU generator by the seed, its CUDA generator where that is asked for',
      check() {
        deepEqual(parseSeeds('1,2,5-7'), [1, 2, 5, 6, 7]);
        // as PyTorch prints them
        const { latent, label } = draw(0, [3, 8, 8], 10);
        equal(latent[0]!.toFixed(6), '-1.125840');
        equal(label, 6);
      },
    },
    {
      official: '`fid.calculate_fid_from_inception_stats`',
      here: '`frechetDistance` of @fewstep/metrics',
      note: '',
      async check() {
        const one = { n: 2, mu: Float64Array.of(0), sigma: Float64Array.of(1) };
        equal(await frechetDistance({ ...one, mu: Float64Array.of(3) }, one), 9);
      },
    },
  ],
};
