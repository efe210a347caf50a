import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { namedCache } from './named-cache.js';

let dir: string;
let specs: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-named-cache-'));
  specs = join(dir, 'project/specs');
  await mkdir(specs, { recursive: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});
const config = (text: string, folder = dir) => writeFile(join(folder, 'fewstep.config.yaml'), text);

describe('a cache is named', () => {
  it('by --cache, else the environment, else the nearest fewstep.config.yaml, each with its folder', async () => {
    expect(await namedCache(undefined, specs)).toBeUndefined();
    await config('cache: dir:far # of all');
    const far = { plugin: 'dir:far', readOnly: false, folder: dir, by: join(dir, 'fewstep.config.yaml') };
    expect(await namedCache(undefined, specs)).toEqual(far);
    await config('cache: dir:near,ro', join(dir, 'project'));
    expect(await namedCache(undefined, specs)).toMatchObject({
      plugin: 'dir:near',
      readOnly: true,
      folder: join(dir, 'project'),
    });
    vi.stubEnv('FEWSTEP_CACHE', 'turborepo,ro');
    expect(await namedCache(undefined, specs)).toEqual({
      plugin: 'turborepo',
      readOnly: true,
      folder: process.cwd(),
      by: 'FEWSTEP_CACHE',
    });
    expect(await namedCache('@lab/cache:a,b', specs)).toMatchObject({
      plugin: '@lab/cache:a,b',
      readOnly: false,
      by: '--cache',
    });
    vi.stubEnv('FEWSTEP_CACHE', '');
    expect(await namedCache(undefined, specs)).toMatchObject({ plugin: 'dir:near' });
  });

  it('none, at each place', async () => {
    await config('cache: dir:far');
    expect(await namedCache('none', specs)).toBeUndefined();
    vi.stubEnv('FEWSTEP_CACHE', 'none');
    expect(await namedCache(undefined, specs)).toBeUndefined();
    vi.unstubAllEnvs();
    for (const text of ['cache: none', '', '# nothing yet\n\n']) {
      await config(text, specs);
      expect(await namedCache(undefined, specs)).toBeUndefined();
    }
  });

  it.each([
    ['cach: dir:x', /:1:1 E_SPEC cach: there is no such key; did you mean "cache"\? The keys: cache\./],
    [
      'cache: { dir: x }\nstore: y',
      /:1:8 E_SPEC cache: a map names no cache[\s\S]*:2:1 E_SPEC store: there is no such key\./,
    ],
    ['cache:', /:1:\d E_SPEC cache: nothing names no cache; a text as "dir:\/mnt\/lab", or "none"\./],
    ['cache: 7', /E_SPEC cache: 7 names no cache/],
    ['- dir:x', /:1:1 E_SPEC a list is none; it is a map/],
    ['cache: [', /E_SPEC no valid YAML/],
    ['cache: a\ncache: b', /E_SPEC cache: this key is there twice/],
  ])('not by %j', async (text, said) => {
    await config(text);
    await expect(namedCache(undefined, specs)).rejects.toThrow(
      expect.objectContaining({ code: 'E_SPEC', message: expect.stringMatching(said) }),
    );
  });
});
