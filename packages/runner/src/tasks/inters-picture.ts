import { toUint8 } from '@fewstep/models';
import type { Run } from '@fewstep/taskgraph';
import { type Images, readTensors, tensorOf } from './artifacts.js';
import type { intersPicture as kind } from './kinds.js';
import { loadDecoder } from './load-decoder.js';
import { readInfo } from './model-info.js';
import { writePicture } from './picture.js';

export interface IntersPictureParams {
  readonly rows: number;
}

/**
 * A PNG of the states that the first samples go through: a row for each, a column for each timestep. A state of noise level
 * σ is shown over √(1 + σ²), so that noise is as bright as images are; of latents what the decoder makes of that.
 */
export const run: Run<typeof kind> = async (context) => {
  const { params, inputs, dir } = context;
  const info = await readInfo(inputs);
  const decoder = await loadDecoder(context, info);
  const rows: Images[] = [];
  for (const path of inputs.inters) {
    const tensors = await readTensors(path);
    const { data: sigmas } = tensorOf(tensors, 'sigmas', 'F64');
    const { data: states, shape } = tensorOf(tensors, 'inters', 'F32');
    const [timesteps = 0, n = 0, ...own] = shape;
    const [channels, height, width] = decoder?.shape ?? (own as [number, number, number]);
    const size = states.length / (timesteps * n);
    for (let i = 0; i < n && rows.length < params.rows; i++) {
      const row = Float64Array.from({ length: timesteps * size }, (_, at) => {
        const k = Math.floor(at / size);
        return states[(k * n + i) * size + (at % size)]! / Math.hypot(1, sigmas[k]!);
      });
      const data = toUint8(decoder ? await decoder.decode(row) : row);
      rows.push({ data, n: timesteps, channels, height, width });
    }
  }
  return { files: { png: await writePicture(dir, rows, { columns: rows[0]!.n, rows: 1 }) }, meta: {} };
};
