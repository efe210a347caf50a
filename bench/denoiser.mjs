/**
 * Time of one evaluation of a denoiser, per image, by batch size: the median of 9 after one to warm up.
 *
 *   npm run build && node bench/denoiser.mjs [CHECKPOINT]
 *
 * Nothing else should run meanwhile.
 */
import { availableParallelism } from 'node:os';
import { exportDenoiser, openDenoiser, readEdmCheckpoint } from '@fewstep/models';

const [checkpoint = 'experiments/digits/digits-edm.pkl'] = process.argv.slice(2);
const { graph, info } = exportDenoiser(await readEdmCheckpoint(checkpoint));
const denoiser = await openDenoiser(graph, info);
console.log(
  `${checkpoint}: ${info.channels}×${info.resolution}×${info.resolution}, ${availableParallelism()} threads`,
);
for (const n of [1, 8, 32, 64]) {
  const x = Float64Array.from({ length: n * info.channels * info.resolution ** 2 }, (_, i) => Math.sin(i));
  const times = [];
  for (let run = 0; run < 10; run++) {
    const start = performance.now();
    await denoiser.evaluate({ x, sigma: 1 });
    times.push((performance.now() - start) / n);
  }
  const median = times.slice(1).sort((a, b) => a - b)[4];
  console.log(`batch ${String(n).padStart(2)}: ${median.toFixed(2)} ms an image`);
}
await denoiser.close();
