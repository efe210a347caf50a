import { textOf } from '../sampler/sampler-file.js';
import { type Exported, type Exporting, timesOf } from './exporting.js';
import { comfyuiSolvers, diffusersSolvers, sigmaList } from './sigma-list.js';

/**
 * A sampler as `table.json`, for whatever program: what is executed and nothing of how it came about, with the sum that it is
 * in words. `timesteps`: of a network in discrete times, 0 … M − 1, not rounded. `sigma_lists`: solvers of other programs that
 * are this very table under those noise levels.
 */
export function tableJson({ sampler, noise }: Exporting): Exported {
  const { table, model, guidance, source } = sampler;
  const lists = Object.entries({ comfyui: comfyuiSolvers, diffusers: diffusersSolvers }).flatMap(
    ([program, solvers]) => {
      const list = sigmaList(table, solvers);
      return list ? [{ program, ...list }] : [];
    },
  );
  const whole = {
    form: 'With z noise of deviation 1 and D_k what the network denoises x_k at sigmas[k] to: x_k = rows[k][0] z + rows[k][1] D_0 + … + rows[k][k] D_(k−1); the sample is the same of the last row.',
    ...(table.bands && {
      form_of_bands:
        'A row of more numbers has one for each band of each term, bands innermost: z and the D are the sum of those parts of their orthonormal DCT-II by channel whose √(((u / height)² + (v / width)²) / 2) is below the first edge, from there below the second, and so on.',
    }),
    model,
    ...(guidance && { guidance }),
    ...(source !== undefined && { source }),
    sigmas: table.sigmas,
    ...(noise && { timesteps: timesOf(table.sigmas, noise) }),
    rows: table.rows,
    ...(table.bands && { bands: table.bands }),
    sigma_lists: lists,
  };
  return { files: { 'table.json': `${textOf(whole)}\n` }, notes: [] };
}
