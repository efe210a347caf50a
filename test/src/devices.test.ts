import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exportDenoiser, readEdmCheckpoint, readSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { workspace } from './small-experiment.js';

const checkpoint = join(root, 'packages/models/fixtures/edm-adm-cond.pkl');
const spec = `name: small
dataset:
  checkpoint: ${checkpoint}
schedule: { type: polynomial }
student: { solver: euler, num_steps: 3 }
train: false
sample: { seeds: 3-4, grid: 2x1 }
`;

let dir: string;
beforeAll(async () => {
  dir = await workspace(spec);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await fewstep(['run', 'spec.yaml', '--json', ...args], { cwd: dir });
  return { code, stderr, ...(code === 0 && experimentJson(stdout)) };
};
const imagesOf = async ([point]: { artifacts: { samples: string[] } }[]) =>
  readSafetensors(await readFile(point!.artifacts.samples[0]!)).images!.data as Uint8Array;

describe('--device', () => {
  it('draws the same images in TF.js, which the record tells and the key does not', async () => {
    const runtime = await run();
    const tensors = await run('--device', 'tfjs', '--store', 'other');
    expect(tensors.code, tensors.stderr).toBe(0);
    expect(tensors.tasks).toMatchObject({ local: 0 });
    expect(tensors.plugins).toEqual([{ name: '@fewstep/engine-tfjs', version: expect.any(String) }]);
    const [expected, found] = [await imagesOf(runtime.points), await imagesOf(tensors.points)];
    expect(found).toHaveLength(2 * 3 * 16 * 16);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(100);
    for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1);
    const again = await run('--device', 'tfjs');
    expect(again.tasks).toMatchObject({ computed: 0 });
  });

  it('draws the same images through WebGPU, where it is there', async ({ skip }) => {
    // a GPU in software compiles each operator of the network for a second or so
    const { code, stderr, points } = await run('--device', 'webgpu', '--store', 'webgpu');
    if (/can't open .* on webgpu/.test(stderr)) return skip();
    expect(code, stderr).toBe(0);
    const [expected, found] = [await imagesOf((await run()).points), await imagesOf(points)];
    expect(found).toHaveLength(2 * 3 * 16 * 16);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(100);
    for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1);
  });

  it('takes no other device for one that is not there', async () => {
    const { code, stderr } = await run('--device', 'tensorrt:0', '--store', 'third');
    expect(code).toBe(1);
    expect(stderr).toMatch(/E_ENGINE .*can't open .* on tensorrt: .*It takes an NVIDIA GPU/s);
  });

  it('refuses a word that names none, before anything is computed', async () => {
    const { code, stderr } = await run('--device', 'gpu', '--store', 'fourth');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^E_ENGINE there is no device "gpu"; one of cpu, cuda/),
    });
  });
});

/** What models has within, as it is built: threads run built files. */
interface Session {
  run(inputs: object, n: number): Promise<Record<string, Float32Array>>;
  close(): Promise<void>;
}
const within = (file: string) => import(new URL(file, import.meta.resolve('@fewstep/models')).href);

it('sessions in threads of their own share a call, and give the bits of one', async () => {
  const { graph } = exportDenoiser(await readEdmCheckpoint(checkpoint));
  const signature = {
    what: 'a denoiser',
    inputs: ['x', 'sigma', 'class_labels'],
    outputs: ['denoised', 'bottleneck'],
  };
  const options = { provider: { name: 'cpu' }, threads: 1 };
  const { openInThread } = await within('./engines/session-thread.js');
  const open = (): Promise<Session> => openInThread(graph, signature, options);
  const whole: Session = await (await within('./engines/ort-session.js')).openOrtSession(
    graph,
    signature,
    options,
  );
  const parts = ['one', 'two'].map((name) => ({ name, open }));
  const split: Session = await (await within('./engines/split-session.js')).splitSession(parts);
  const n = 5;
  const inputs = {
    x: { data: Float32Array.from({ length: n * 768 }, (_, i) => Math.sin(i * i)), shape: [3, 16, 16] },
    sigma: { data: Float32Array.of(0.1, 1, 2, 3, 50), shape: [] },
    class_labels: { data: new Float32Array(n * 10), shape: [10] },
  };
  expect(await split.run(inputs, n)).toEqual(await whole.run(inputs, n));
  await expect(split.run({ x: inputs.x }, n)).rejects.toMatchObject({
    code: 'E_ENGINE',
    message: expect.stringMatching(/^one: ONNX Runtime failed on a denoiser with 3 samples: /),
  });
  await expect(openInThread(graph, { ...signature, outputs: ['y'] }, options)).rejects.toMatchObject({
    code: 'E_ENGINE',
    message: expect.stringMatching(/as described maps/),
  });
  await Promise.all([split.close(), whole.close()]);
  await expect(split.run(inputs, n)).rejects.toMatchObject({ message: expect.stringMatching(/was closed/) });
});
