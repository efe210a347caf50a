import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng } from '@fewstep/metrics/images';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fidCalc } from './fid.js';
import { referenceAt } from './fid-files.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fewstep-fid-'));
  vi.stubEnv('FEWSTEP_MODELS', folder);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('the address of a reference', () => {
  const registered = 'https://nvlabs-fi-cdn.nvidia.com/edm/fid-refs/cifar10-32x32.npz';

  it('has a place of its own, and one of the registry that of its name', () => {
    const places = ['http://a/ref.npz', 'http://b/ref.npz', 'http://a/ref.npz?version=2'].map(
      (address) => referenceAt(address)!.path,
    );
    expect(new Set(places).size).toBe(3);
    for (const path of places)
      expect(path.slice(folder.length)).toMatch(/^\/references\/[0-9a-f]{16}\/ref\.npz$/);
    expect(referenceAt(registered)?.path).toBe(join(folder, 'cifar10-32x32.npz'));
    expect(referenceAt('folder/ref.npz')).toBeUndefined();
  });

  it.each([
    ['ftp://host/ref.npz', /is no address of http/],
    ['file:///ref.npz', /is no address of http/],
    ['http://', /is no address of http/],
    ['http://host/ref', /ends with none of \.npz, \.pkl, \.safetensors, \.zip/],
    ['http://host/?name=ref.npz', /ends with none of \.npz, \.pkl, \.safetensors, \.zip/],
  ])('is refused: %s', (address, message) => {
    expect(() => referenceAt(address)).toThrow(
      expect.objectContaining({ code: 'E_FILE', message: expect.stringMatching(message) }),
    );
  });
});

describe('images that can’t be drawn', () => {
  const calc = (options: object) => {
    const file = join(folder, 'ref.npz');
    const nobody = { line: () => {}, data: () => {}, object: () => {} };
    return fidCalc([folder], { features: file, ref: file, ...options }, nobody);
  };

  it('are one, fewer than asked for, or drawn by a seed without a number', async () => {
    const image = await encodePng({ data: new Uint8Array(1), channels: 1, height: 1, width: 1 });
    writeFileSync(join(folder, 'a.png'), image);
    writeFileSync(join(folder, 'ref.npz'), '');
    await expect(calc({})).rejects.toMatchObject({
      code: 'E_IMAGES',
      evidence: { file: folder, count: 1 },
    });
    writeFileSync(join(folder, 'b.png'), image);
    await expect(calc({ num: 3 })).rejects.toMatchObject({
      code: 'E_IMAGES',
      evidence: { file: folder, count: 2, num: 3 },
    });
    await expect(calc({ seed: 1 })).rejects.toMatchObject({ code: 'E_USAGE' });
  });
});
