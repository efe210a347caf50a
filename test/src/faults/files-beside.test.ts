import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readStateDict, type Tensors, writeSafetensors } from '@fewstep/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fewstep, root } from '../command-line.js';
import { withExternalWeights } from '../external-weights.js';
import { enlarged, picturesAt } from './small-data.js';
import { digits, plain, removeAll, run } from './small-store.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
});
afterAll(() => removeAll([dir]));

describe('weights beside a feature network', () => {
  const weights = () => join(dir, 'features.weights');
  let original: Buffer;
  beforeAll(async () => {
    const network = withExternalWeights(await readFile(digits.features), 'features.weights');
    original = network.weights;
    await writeFile(join(dir, 'features.onnx'), network.graph);
    await picturesAt(join(dir, 'some'), 6, 1);
    await picturesAt(join(dir, 'others'), 6, 2);
  });

  const told = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await fewstep(['fid', ...args, '--features', 'features.onnx'], {
      cwd: dir,
    });
    expect(code, stderr).toBe(0);
    return stdout;
  };
  const score = async () => {
    const dataset = `${digits.checkpoint}, reference_data: others, feature_network: features.onnx`;
    await writeFile(join(dir, 'spec.yaml'), plain({ checkpoint: dataset, more: 'evaluate: [fid]\n' }));
    return (await run(dir, ['spec.yaml', '--store', 'of-score'])).points[0]!.metrics.fid;
  };
  const calculated = () => told(['calc', 'some', '--ref', 'others', '--store', 'of-calc']);
  const statistics = async () => {
    await told(['ref', 'some', '--dest', 'ref.npz', '--store', 'of-ref']);
    return readFile(join(dir, 'ref.npz'), 'base64');
  };

  it('change the score of a run, fid calc and fid ref when they change', async () => {
    const measured = () => Promise.all([score(), calculated(), statistics()]);
    await writeFile(weights(), original);
    const before = await measured();
    await writeFile(weights(), enlarged(original));
    for (const [i, after] of (await measured()).entries()) expect(after).not.toBe(before[i]);
  });
});

describe('shards that an index names', () => {
  const heads = (whose = '') => `${whose}num_head_channels: 16, ${whose}attention_order: heads-qkv-channels`;
  const network = `network: { image_size: 16, ${heads()}, noise_schedule: linear, diffusion_steps: 1000, parametrization: eps, ${heads('classifier_')} }`;
  const halves = (tensors: Tensors) => {
    const entries = Object.entries(tensors);
    return [entries.slice(0, entries.length / 2), entries.slice(entries.length / 2)] as const;
  };
  const writeShards = async (name: string, tensors: Tensors) => {
    const map: Record<string, string> = {};
    for (const [i, half] of halves(tensors).entries()) {
      const file = `${name}-${i + 1}.safetensors`;
      await writeFile(join(dir, file), writeSafetensors(Object.fromEntries(half)));
      for (const [tensor] of half) map[tensor] = file;
    }
    await writeFile(join(dir, `${name}.safetensors.index.json`), JSON.stringify({ weight_map: map }));
  };
  const changed = (tensors: Tensors): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [
        name,
        tensor.dtype === 'F32' ? { ...tensor, data: tensor.data.map((value) => value * 1.1) } : tensor,
      ]),
    );
  const fixture = (name: string) => join(root, 'packages/models/fixtures', name);
  const samples = async (spec: string) => {
    await writeFile(join(dir, 'shards.yaml'), spec.replace('name: small', 'name: shards'));
    return (await run(dir, ['shards.yaml'])).points[0]!.artifacts.samples.join();
  };

  it('change the samples when they change, the indexes as they were', async () => {
    const tensors = await readStateDict(fixture('adm-diffusion.pt'));
    const classifier = await readStateDict(fixture('adm-classifier.pt'));
    const checkpoint = `network.safetensors.index.json, classifier: classifier.safetensors.index.json, ${network}`;
    const spec = plain({ checkpoint, more: 'guidance: { type: cg, rate: 50 }\n' });
    await writeShards('network', tensors);
    await writeShards('classifier', classifier);
    const seen = new Set([await samples(spec)]);
    await writeShards('classifier', changed(classifier));
    seen.add(await samples(spec));
    await writeShards('network', changed(tensors));
    seen.add(await samples(spec));
    expect(seen.size).toBe(3);
  });
});
