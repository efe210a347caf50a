import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { edmNetwork } from '../checkpoints/edm-checkpoint.js';
import { parseEdmOptions } from '../checkpoints/edm-options.js';
import { readSafetensors } from '../files/safetensors.js';
import { toFloat32 } from '../files/tensor.js';
import { type EdmLayer, runEdmLayer } from './edm-layer.test.support.js';
import { parameterShapes } from './parameters.js';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

const units: (EdmLayer & { readonly name: string })[] = JSON.parse(fixture('edm-units.json').toString());
const arrays = readSafetensors(fixture('edm-units.safetensors'));

describe('single layers against the official figures', () => {
  it.each(units)('$name', async ({ name, ...layer }) => {
    const own = Object.entries(arrays).filter(([key]) => key.startsWith(`${name}/`));
    const { x, emb, y, ...weights } = Object.fromEntries(
      own.map(([key, tensor]) => [key.slice(name.length + 1), tensor]),
    );
    const found = await runEdmLayer(layer, weights, { x: x!, emb });
    expect(found.shape).toEqual(y!.shape);
    const values = toFloat32(y!);
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    found.data.forEach((value, i) => {
      expect(Math.abs(value - values[i]!)).toBeLessThan(3e-6 * scale);
    });
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
    const shapes = parameterShapes(edmNetwork(parseEdmOptions(type, given as never)).forward);
    const named = Object.fromEntries([...shapes].map(([name, shape]) => [`model.${name}`, shape]));
    expect(named).toEqual(expected);
  });
});
