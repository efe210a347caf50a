/**
 * A published network at full size with random weights, from its options: parameters, time to export, peak memory of
 * each stage, seconds an evaluation.
 *
 *   npm run build && node bench/full-size.mjs adm|cm|edm [RATE] [FOLDER]
 *
 * `adm`: 256x256_diffusion.pt, guided by 256x256_classifier.pt where RATE is not 0. `cm`: edm_bedroom256_ema.pt. `edm`:
 * edm-cifar10-32x32-uncond-vp.pkl. The graph goes to FOLDER, a temporary one by default. Nothing else should run
 * meanwhile.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { admCheckpoint, cmCheckpoint, exportDenoiser, openDenoiser, withClassifier } from '@fewstep/models';
import { edmNetwork } from '../packages/models/dist/checkpoints/edm-checkpoint.js';
import { guidedClassifier } from '../packages/models/dist/networks/guided-classifier.js';
import { guidedUNet } from '../packages/models/dist/networks/guided-unet.js';
import { parameterShapes } from '../packages/models/dist/networks/parameters.js';

const published = {
  image_size: 256,
  in_channels: 3,
  out_channels: 6,
  model_channels: 256,
  channel_mult: [1, 1, 2, 2, 4, 4],
  num_res_blocks: 2,
  attention_resolutions: [8, 16, 32],
  num_classes: 1000,
  num_head_channels: 64,
  num_heads: 1,
  num_heads_upsample: -1,
  use_scale_shift_norm: true,
  resblock_updown: true,
  attention_order: 'heads-qkv-channels',
};
const consistency = {
  ...published,
  out_channels: 3,
  num_classes: 0,
  use_scale_shift_norm: false,
  attention_order: 'qkv-heads-channels',
};
const classifier = { ...published, out_channels: 1000, model_channels: 128, num_classes: 0 };

const cifar10 = {
  type: 'SongUNet',
  img_resolution: 32,
  in_channels: 3,
  out_channels: 3,
  label_dim: 0,
  augment_dim: 9,
  model_channels: 128,
  channel_mult: [2, 2, 2],
  channel_mult_emb: 4,
  num_blocks: 4,
  attn_resolutions: [16],
  embedding_type: 'positional',
  channel_mult_noise: 1,
  encoder_type: 'standard',
  decoder_type: 'standard',
  resample_filter: [1, 1],
};

/** Small and different, as half-precision numbers of either sign: most published networks are stored so. */
function randomWeights(network) {
  const entries = [...parameterShapes(network)].map(([name, shape]) => {
    const data = new Uint16Array(shape.reduce((size, n) => size * n, 1));
    // what EDM resamples with is no weight: the mean of four
    if (name.endsWith('resample_filter')) return [name, { dtype: 'F16', shape, data: data.fill(0x3400) }];
    let state = (name.length * 7919 + data.length) >>> 0;
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      data[i] = 0x2000 | ((state >>> 31) << 15) | ((state >>> 16) & 0x3ff);
    }
    return [name, { dtype: 'F16', shape, data }];
  });
  return Object.fromEntries(entries);
}

const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;
const peak = () => gigabytes(process.resourceUsage().maxRSS * 1024);
const seconds = (start) => ((performance.now() - start) / 1000).toFixed(1);

const networks = {
  adm: guidedUNet(published),
  cm: guidedUNet(consistency),
  edm: edmNetwork(cifar10).forward,
};
const heads = { image_size: 256, num_head_channels: 64 };
const legacy = { attention_order: 'heads-qkv-channels' };
const noise = { noise_schedule: 'linear', diffusion_steps: 1000, parametrization: 'eps' };
const checkpoints = {
  adm: (weights) => admCheckpoint(weights, { ...heads, ...legacy, ...noise }),
  cm: (weights) => cmCheckpoint(weights, { ...heads, attention_order: 'qkv-heads-channels' }),
  edm: (weights) => ({
    family: 'edm',
    ...edmNetwork(cifar10),
    preconditioning: { type: 'edm', sigmaData: 0.5 },
    sigmaMin: 0.002,
    sigmaMax: 80,
    weights,
  }),
};

async function exportStage(family, rate, folder) {
  const weights = randomWeights(networks[family]);
  const count = Object.values(weights).reduce((sum, { data }) => sum + data.length, 0);
  let checkpoint = checkpoints[family](weights);
  if (rate !== 0)
    checkpoint = withClassifier(checkpoint, randomWeights(guidedClassifier(classifier)), {
      ...heads,
      ...legacy,
    });
  console.log(`${family}, rate ${rate}: ${count} parameters`);
  const start = performance.now();
  const { graph, external, info } = exportDenoiser(checkpoint, { guidanceRate: rate });
  writeFileSync(join(folder, 'denoiser.onnx'), graph);
  writeFileSync(join(folder, 'info.json'), JSON.stringify(info));
  let size = graph.length;
  if (external) {
    const out = createWriteStream(join(folder, external.name));
    for (const part of external.parts) {
      size += part.length;
      if (!out.write(part)) await once(out, 'drain');
    }
    out.end();
    await once(out, 'close');
  }
  console.log(`export: ${seconds(start)} s, ${gigabytes(size)}, peak memory ${peak()}`);
}

async function evaluateStage(folder) {
  const info = JSON.parse(readFileSync(join(folder, 'info.json'), 'utf8'));
  let start = performance.now();
  const denoiser = await openDenoiser(join(folder, 'denoiser.onnx'), info);
  console.log(`open: ${seconds(start)} s, peak memory ${peak()}`);
  const x = Float64Array.from({ length: info.channels * info.resolution ** 2 }, (_, i) => Math.sin(i));
  const labels = info.labelDim > 0 ? { labels: [7] } : {};
  for (const run of ['first', 'second']) {
    start = performance.now();
    const { denoised, bottleneck } = await denoiser.evaluate({ x, sigma: 1, ...labels });
    if (!denoised.every(Number.isFinite) || bottleneck.length !== 64) throw new Error('it is no image');
    console.log(`${run} evaluation of one image: ${seconds(start)} s, peak memory ${peak()}`);
  }
  await denoiser.close();
}

const [stage = 'adm', rate = '0', given] = process.argv.slice(2);
if (stage === 'evaluate') await evaluateStage(given);
else if (stage.startsWith('export-')) await exportStage(stage.slice(7), Number(rate), given);
else {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'fewstep-full-size-'));
  console.log(`${availableParallelism()} threads`);
  // each in a process of its own, so that one's peak is not the other's
  for (const part of [`export-${stage}`, 'evaluate']) {
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), part, rate, folder], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exitCode = 1;
  }
  if (given === undefined) rmSync(folder, { recursive: true });
}
