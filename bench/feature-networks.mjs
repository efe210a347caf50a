/**
 * Feature networks at full size with random weights: time and memory of reading and writing them as graphs, of opening those,
 * and of an image of 256×256.
 *
 *   npm run build && node bench/feature-networks.mjs [inception] [dinov2]
 *
 * dinov2 is ViT-L/14: 4 GB of memory and 2.5 GB of disk. Nothing else should run meanwhile.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportFeatureNetwork, readFeatureCheckpoint } from '@fewstep/models';
import { originalShapes } from '../packages/models/dist/dino-tiny.test.support.js';
import { openSession } from '../packages/models/dist/engines/open-session.js';
import { inception } from '../packages/models/dist/networks/inception.js';
import { recordShapes } from '../packages/models/dist/networks/parameters.js';

const networks = {
  inception: () => Object.fromEntries(recordShapes((ops) => inception(ops, null))),
  dinov2: () => originalShapes({ width: 1024, layers: 24, mlp: 4096 }),
};
const seconds = (start) => ((performance.now() - start) / 1000).toFixed(2);
const peak = () => `${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB at most`;
const size = (shape) => shape.reduce((product, n) => product * n, 1);

/** A uniform of the scale that keeps a layer's output as large as its input; factors and variances of 1, other vectors of 0. */
function randomElements(name, shape) {
  const data = new Float32Array(size(shape));
  if (/(?:running_var|gamma|bn\.weight|norm\d?\.weight)$/.test(name)) return data.fill(1);
  if (shape.length === 1) return data;
  const scale = Math.sqrt(3 / size(shape.slice(1)));
  let state = 1;
  return data.map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state / 2 ** 31) * scale;
  });
}

async function writeWeights(path, shapes) {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const start = end;
      end += 4 * size(shape);
      return [name, { dtype: 'F32', shape, data_offsets: [start, end] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = createWriteStream(path);
  file.write(Buffer.concat([length, text]));
  for (const [name, shape] of Object.entries(shapes))
    if (!file.write(new Uint8Array(randomElements(name, shape).buffer))) await once(file, 'drain');
  file.end();
  await once(file, 'finish');
  return end / 4;
}

const parts = {
  async weights(folder, name) {
    const parameters = await writeWeights(join(folder, 'weights.safetensors'), networks[name]());
    console.log(`${name}: ${(parameters / 1e6).toFixed(1)} million parameters`);
  },
  async export(folder) {
    const start = performance.now();
    const checkpoint = await readFeatureCheckpoint(join(folder, 'weights.safetensors'));
    const { graph } = exportFeatureNetwork(checkpoint);
    await writeFile(join(folder, 'features.onnx'), graph);
    console.log(`  read and exported in ${seconds(start)} s, ${peak()}, ${checkpoint.type}`);
  },
  async evaluate(folder) {
    let start = performance.now();
    const signature = { what: 'a feature network', inputs: ['images'], outputs: ['features'] };
    const session = await openSession(join(folder, 'features.onnx'), signature, {});
    console.log(`  opened in ${seconds(start)} s, ${peak()}`);
    for (const n of [1, 1, 4]) {
      const data = Float32Array.from({ length: n * 3 * 256 * 256 }, (_, i) => 128 + 127 * Math.sin(i * i));
      start = performance.now();
      const { features } = await session.run({ images: { data, shape: [3, 256, 256] } }, n);
      const finite = features.every(Number.isFinite) ? '' : ', NOT FINITE';
      console.log(`  ${n} at once: ${seconds(start)} s, ${peak()}, ${features.length / n} features${finite}`);
    }
    await session.close();
  },
};

const [first, ...rest] = process.argv.slice(2);
if (Object.hasOwn(parts, first)) await parts[first](...rest);
else {
  console.log(`${availableParallelism()} threads`);
  const wanted = first === undefined ? Object.keys(networks) : [first, ...rest];
  for (const name of wanted) {
    const folder = await mkdtemp(join(tmpdir(), 'feature-networks-'));
    for (const part of Object.keys(parts)) {
      const child = fork(fileURLToPath(import.meta.url), [part, folder, name]);
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`${part} of ${name} ended with ${code}`);
    }
    await rm(folder, { recursive: true });
  }
}
