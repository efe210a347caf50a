import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { edmNetwork } from './edm-network.js';
import { parseEdmOptions } from './edm-options.js';
import { encodeOnnx } from './onnx-model.js';
import { OnnxOps } from './onnx-ops.js';
import { parameterShapes } from './parameters.js';
import { readSafetensors } from './safetensors.js';
import { type Tensors, toFloat32 } from './tensor.js';
import { resampledConv, unetBlock } from './unet-block.js';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

interface Unit {
  readonly name: string;
  readonly class: 'UNetBlock' | 'Conv2d';
  readonly options: {
    in_channels: number;
    out_channels: number;
    emb_channels: number;
    kernel: number;
    up?: boolean;
    down?: boolean;
    attention?: boolean;
    num_heads?: number;
    skip_scale?: number;
    eps?: number;
    resample_filter?: number[];
    resample_proj?: boolean;
    adaptive_scale?: boolean;
    fused_resample?: boolean;
  };
}

const units: Unit[] = JSON.parse(fixture('edm-units.json').toString());
const arrays = readSafetensors(fixture('edm-units.safetensors'));

describe('single layers against the official figures', () => {
  it.each(units)('$name', async ({ name, class: kind, options }) => {
    const own = Object.entries(arrays).filter(([key]) => key.startsWith(`${name}/`));
    const weights: Tensors = Object.fromEntries(
      own.map(([key, t]) => [`u.${key.slice(name.length + 1)}`, t]),
    );
    const x = weights['u.x']!;
    const ops = new OnnxOps(weights);
    const input = ops.input('x', x.shape.slice(1));
    const filter = options.resample_filter ?? [1, 1];
    const shape = {
      in: options.in_channels,
      out: options.out_channels,
      resample: options.up ? 'up' : options.down ? 'down' : undefined,
    } as const;
    const feeds: Record<string, Tensor> = { x: new Tensor('float32', toFloat32(x), x.shape) };
    let y: typeof input;
    if (kind === 'Conv2d') {
      const { kernel, fused_resample: fused = false } = options;
      y = resampledConv(ops, 'u', { ...shape, kernel, filter, fused }, input);
    } else {
      const emb = weights['u.emb']!;
      feeds.emb = new Tensor('float32', toFloat32(emb), emb.shape);
      const style = {
        embedding: options.emb_channels,
        eps: options.eps ?? 1e-5,
        skipScale: options.skip_scale ?? 1,
        adaptiveScale: options.adaptive_scale ?? true,
        projectResampled: options.resample_proj ?? false,
        filter,
        heads: () => options.num_heads ?? 0,
      };
      const block = { ...shape, attention: options.attention ?? false };
      y = unetBlock(ops, 'u', style, block, input, ops.input('emb', [options.emb_channels]));
    }
    const session = await InferenceSession.create(encodeOnnx(ops.model({ y })).graph);
    const found = (await session.run(feeds)).y!;
    const expected = arrays[`${name}/y`]!;
    expect(found.dims).toEqual(expected.shape);
    const values = toFloat32(expected);
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    (found.data as Float32Array).forEach((value, i) => {
      expect(Math.abs(value - values[i]!)).toBeLessThan(3e-6 * scale);
    });
    await session.release();
  });
});

describe('parameterShapes', () => {
  it.each([
    'edm-cifar10-32x32-uncond-vp.pkl',
    'edm-ffhq-64x64-uncond-vp.pkl',
    'edm-afhqv2-64x64-uncond-vp.pkl',
    'edm-imagenet-64x64-cond-adm.pkl',
  ])('names every parameter of the published %s', (file) => {
    const { options, state_dict: expected } = JSON.parse(
      gunzipSync(fixture(`state-dicts/${file}.json.gz`)).toString(),
    );
    const { model_type: type, img_channels: channels, use_fp16: _, ...rest } = options;
    const given = new Map(Object.entries({ ...rest, in_channels: channels, out_channels: channels }));
    const shapes = parameterShapes(edmNetwork(parseEdmOptions(type, given as never)));
    const named = Object.fromEntries([...shapes].map(([name, shape]) => [`model.${name}`, shape]));
    expect(named).toEqual(expected);
  });
});
