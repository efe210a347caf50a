import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { experimentJson } from './command-json.js';
import { fewstep, root } from './command-line.js';
import { recordsOf } from './faults/small-store.js';
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
const imagesOf = async ([point]: { artifacts: { samples: string[] } }[]) => {
  const shards = await Promise.all(point!.artifacts.samples.map((file) => readFile(file)));
  return shards.flatMap((bytes) => [...(readSafetensors(bytes).images!.data as Uint8Array)]);
};

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

  it('computes tasks on each of two devices, and WebGPU, where it is there, draws the same images', async ({
    skip,
  }) => {
    // a GPU in software compiles each operator of the network for a second or so
    const one = ['--set', 'sample.batch=1'];
    const args = ['--device', 'cpu,webgpu', '--store', 'webgpu', '--results', 'webgpu-results', ...one];
    const { code, stderr, points } = await run(...args);
    if (/can't open .* on webgpu/.test(stderr))
      return skip('no WebGPU: it takes a GPU, or a Vulkan driver in software as .ci/run gets one');
    expect(code, stderr).toBe(0);
    const records = (await recordsOf(join(dir, 'webgpu'))).map(({ record }) => record);
    const shards = records.filter(({ components }) => components.kind === 'samples');
    const devices = shards.map(({ provenance }) => JSON.stringify(provenance.device));
    expect(devices.sort()).toEqual(['{"type":"cpu"}', '{"type":"webgpu"}']);
    const all = (await run('--store', 'one-device', ...one)).points;
    const [expected, found] = [await imagesOf(all), await imagesOf(points)];
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
