import { describe, expect, it } from 'vitest';
import {
  clips,
  featureNetworks,
  firstStages,
  type ModelFile,
  type RegistryEntry,
  registry,
  sourceOf,
} from './published-models.js';

const entries: [string, RegistryEntry][] = Object.entries(registry);

const files: ModelFile[] = [
  ...entries.flatMap(([, { files }]) => Object.values(files)),
  ...Object.values(featureNetworks),
  ...Object.values(clips),
  ...Object.values(firstStages),
];

describe('the registry', () => {
  it('names every model of the paper, and those that its code fetches besides', () => {
    expect(Object.keys(registry)).toEqual(
      'cifar10 ffhq afhqv2 imagenet64 lsun_bedroom imagenet256 lsun_bedroom_ldm ffhq_ldm ms_coco'.split(' '),
    );
    expect(sourceOf(firstStages['vq-f4'])).toMatch(
      /^get vq-f4\.zip from https:\/\/ommer-lab\.com\/files\/latent-diffusion\/vq-f4\.zip \(/,
    );
  });

  it.each([
    ['lsun_bedroom', 0.002, 80],
    ['imagenet256', 0.010486, 152.167],
    ['lsun_bedroom_ldm', 0.0387589, 83.8225],
    ['ffhq_ldm', 0.0387589, 83.8225],
    ['ms_coco', 0.0291672, 14.6146],
  ] as const)('%s is sampled from σ %s to %s', (name, least, most) => {
    const { sigmaMin, sigmaMax } = registry[name];
    expect(sigmaMin / least).toBeCloseTo(1, 3);
    expect(sigmaMax / most).toBeCloseTo(1, 5);
  });

  it('has an https address that ends in the file’s name, or says how else it is had', () => {
    for (const { name, address, note } of files)
      if (address === undefined)
        expect(note).toMatch(/https:\/\/drive\.google\.com\/drive\/folders\/[\w-]+$/);
      else expect(address).toMatch(new RegExp(`^https://[^?#]+/${name}$`));
  });

  it('scores all that has reference data on FID’s network', () => {
    for (const [name, { files }] of entries) {
      const { feature_network: network } = files;
      expect(network?.name).toBe(files.reference_data && 'pt_inception-2015-12-05-6726825d.pth');
      if (name === 'ms_coco') expect(files.reference_data?.name).toBe('ms_coco-512x512.npz');
      if (network?.sha256) expect(network.name).toContain(`-${network.sha256}.`);
    }
  });

  it('has the CLIP of the official evaluation for its captions, and OpenAI’s by its digest', () => {
    expect(registry.ms_coco.files.clip).toBe(clips['clip-vit-g-14']);
    const { address, sha256 } = clips['clip-vit-l-14'];
    expect(address).toContain(`/${sha256}/`);
  });

  it('gives files that differ different names', () => {
    const addresses = new Map<string, Set<string | undefined>>();
    for (const { name, address } of files)
      addresses.set(name, (addresses.get(name) ?? new Set()).add(address));
    for (const found of addresses.values()) expect(found.size).toBe(1);
  });

  it('says what to get and under which licence', () => {
    const { checkpoint } = registry.ms_coco.files;
    expect(sourceOf(checkpoint)).toBe(
      `get v1-5-pruned-emaonly.ckpt from ${checkpoint.address} (CreativeML OpenRAIL-M; where this repository is withdrawn, its copy stable-diffusion-v1-5/stable-diffusion-v1-5 has the same file)`,
    );
  });
});
