import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNpz } from '@fewstep/metrics';
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

  const fid = async () => {
    const args = ['fid', 'calc', 'some', '--ref', 'others', '--features', 'features.onnx', '--json'];
    const { code, stdout, stderr } = await fewstep(args, { cwd: dir });
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout).fid as number;
  };
  const score = async () => {
    const dataset = `{ checkpoint: ${digits.checkpoint}, reference_data: others, feature_network: features.onnx }`;
    await writeFile(
      join(dir, 'spec.yaml'),
      plain({ more: 'evaluate: [fid]\n' }).replace(/\{ checkpoint.*\}/, dataset),
    );
    return (await run(dir)).points[0]!.metrics.fid;
  };
  const statistics = async () => {
    const args = ['fid', 'ref', 'some', '--features', 'features.onnx', '--dest', 'ref.npz'];
    const { code, stderr } = await fewstep(args, { cwd: dir });
    expect(code, stderr).toBe(0);
    return [...(await readNpz(await readFile(join(dir, 'ref.npz')), 'ref.npz')).mu!.data].map(Number);
  };

  it.each([
    ['fid calc', fid],
    ['fid ref', statistics],
    ['the score of a run', score],
  ])('change %s when they change', async (_, measure) => {
    await writeFile(weights(), original);
    const before = await measure();
    await writeFile(weights(), enlarged(original));
    expect(await measure()).not.toEqual(before);
  });
});

describe('shards that an index names', () => {
  const network = 'network: { num_head_channels: 16 }';
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
    await writeFile(join(dir, 'shards.yaml'), spec);
    return (await run(dir, ['shards.yaml'])).points[0]!.artifacts.samples;
  };

  it('change the samples when they change, the index as it was', async () => {
    const tensors = await readStateDict(fixture('adm-diffusion.pt'));
    const spec = plain({ checkpoint: `network.safetensors.index.json, ${network}` });
    await writeShards('network', tensors);
    const before = await samples(spec);
    await writeShards('network', changed(tensors));
    expect(await samples(spec)).not.toEqual(before);
  });

  it('change them through a classifier, too', async () => {
    const tensors = await readStateDict(fixture('adm-classifier.pt'));
    await cp(fixture('adm-diffusion.pt'), join(dir, 'diffusion.pt'));
    const checkpoint = `diffusion.pt, classifier: classifier.safetensors.index.json, ${network}`;
    const spec = plain({ checkpoint, more: 'guidance: { type: cg, rate: 50 }\n' });
    await writeShards('classifier', tensors);
    const before = await samples(spec);
    await writeShards('classifier', changed(tensors));
    expect(await samples(spec)).not.toEqual(before);
  });
});
