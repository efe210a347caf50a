/**
 * Stable Diffusion v1 at full size, with random weights in half precision as its files have them: time and memory of
 * exporting the denoiser, and of one evaluation, without guidance and with it.
 *
 *   npm run build && node bench/stable-diffusion.mjs
 *
 * Takes 6 GB of memory and 4 GB of disk. Nothing else should run meanwhile.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { classifierFree, exportDenoiser, openDenoiser, parseLatentCheckpoint } from '@fewstep/models';

const list = new URL(
  '../packages/models/fixtures/state-dicts/v1-5-pruned-emaonly.ckpt.json.gz',
  import.meta.url,
);
const seconds = (start) => ((performance.now() - start) / 1000).toFixed(1);
const peak = () => `${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB at most`;
const size = (shape) => shape.reduce((product, n) => product * n, 1);

/** Half precision: a uniform of the scale that keeps a layer's output as large as its input, norms near 1. */
function randomTensor(name, shape) {
  if (name === 'alphas_cumprod')
    return { dtype: 'F32', shape, data: Float32Array.from({ length: 1000 }, (_, k) => 0.9947 ** (k + 1)) };
  const data = new Uint16Array(size(shape));
  const fanIn = size(shape.slice(1));
  const exponent = shape.length === 1 ? 0 : Math.max(1, 15 - Math.ceil(Math.log2(fanIn) / 2));
  let state = 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    data[i] =
      shape.length === 1
        ? name.endsWith('weight')
          ? 0x3c00
          : 0
        : ((state >>> 31) << 15) | (exponent << 10) | ((state >>> 8) & 1023);
  }
  return { dtype: 'F16', shape, data };
}

async function exportTo(folder) {
  const { state_dict: shapes } = JSON.parse(gunzipSync(readFileSync(list)).toString());
  let start = performance.now();
  const checkpoint = parseLatentCheckpoint(
    Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, randomTensor(name, shape)])),
  );
  const parameters = Object.values(checkpoint.weights).reduce((sum, { shape }) => sum + size(shape), 0);
  console.log(
    `weights made in ${seconds(start)} s; the denoiser has ${(parameters / 1e6).toFixed(1)} million`,
  );
  start = performance.now();
  const { graph, external, info } = exportDenoiser(checkpoint);
  await writeFile(join(folder, 'denoiser.onnx'), graph);
  await writeFile(join(folder, external.name), external.parts);
  await writeFile(join(folder, 'info.json'), JSON.stringify(info));
  console.log(
    `export: ${seconds(start)} s, ${peak()}, of them ${((2 * parameters) / 2 ** 30).toFixed(2)} of its weights`,
  );
}

async function evaluate(folder) {
  const info = JSON.parse(await readFile(join(folder, 'info.json'), 'utf8'));
  let start = performance.now();
  const denoiser = await openDenoiser(join(folder, 'denoiser.onnx'), info);
  console.log(`open: ${seconds(start)} s, ${peak()}`);
  const { channels, resolution, condition } = info;
  const x = Float64Array.from({ length: channels * resolution ** 2 }, (_, i) => 10 * Math.sin(i * i));
  const tokens = Float64Array.from({ length: condition.positions * condition.width }, (_, i) => Math.cos(i));
  const guided = classifierFree(denoiser, { rate: 7.5, unconditional: tokens.map((v) => v / 2) });
  for (const [name, one] of [
    ['first', denoiser],
    ['unguided', denoiser],
    ['guided', guided],
  ]) {
    start = performance.now();
    const { denoised, bottleneck, forwards } = await one.evaluate({ x, sigma: 10, condition: tokens });
    const finite = [...denoised, ...bottleneck].every(Number.isFinite);
    console.log(
      `${name}: ${seconds(start)} s, forwards ${forwards}, ${peak()}, ${finite ? 'finite' : 'NOT FINITE'}`,
    );
  }
  await denoiser.close();
}

const [role, folder] = process.argv.slice(2);
if (role === 'export') await exportTo(folder);
else if (role === 'evaluate') await evaluate(folder);
else {
  console.log(`${availableParallelism()} threads`);
  const made = await mkdtemp(join(tmpdir(), 'stable-diffusion-'));
  for (const part of ['export', 'evaluate'])
    await new Promise((resolve, reject) => {
      const child = fork(fileURLToPath(import.meta.url), [part, made]);
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${part} ended with ${code}`))));
    });
  await rm(made, { recursive: true });
}
