import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseDevice } from './device.js';
import { findEngine } from './find-engine.js';
import { openSession } from './open-session.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-engines-'));
  const pack = async (name: string, source: string) => {
    const folder = join(dir, 'node_modules', name);
    await mkdir(folder, { recursive: true });
    const manifest = { name, version: '1.2.3', type: 'module', exports: { default: './index.js' } };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(folder, 'index.js'), source);
  };
  await pack(
    '@fewstep/engine-abacus',
    `export const engine = {
      check(target) { if (target === 'sand') throw new Error('it has wood and stone'); },
      open: async (graph, { what }, target) => ({ graph, what, target }),
    };`,
  );
  await pack('@lab/engine', `export { engine } from '@fewstep/engine-abacus';`);
  await pack('@fewstep/engine-half', `export const engine = { check() {} };`);
  await pack('@fewstep/engine-other', `export const other = 1;`);
  await pack('@fewstep/engine-broken', `throw new Error('out of order');`);
  await mkdir(join(dir, 'below'));
  vi.spyOn(process, 'cwd').mockReturnValue(join(dir, 'below'));
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(dir, { recursive: true, force: true });
});
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'E_ENGINE', message: expect.stringMatching(message) });

it('an engine above the working folder has devices by its name, and opens graphs', async () => {
  const device = await parseDevice('abacus:wood');
  expect(device).toEqual({ type: 'engine', name: 'abacus', target: 'wood' });
  const graph = Uint8Array.of(1);
  const signature = { what: 'a sum', inputs: [], outputs: [] };
  expect(await openSession(graph, signature, { device })).toEqual({ graph, what: 'a sum', target: 'wood' });
  expect(await parseDevice('abacus')).toEqual({ type: 'engine', name: 'abacus' });
  expect(await parseDevice('@lab/engine:wood')).toMatchObject({ name: '@lab/engine', target: 'wood' });
});

it('what follows its name is for it to refuse', async () => {
  await expect(parseDevice('abacus:sand')).rejects.toThrow(
    refusal(/^device "abacus:sand": it has wood and stone$/),
  );
});

describe('an engine that does not do', () => {
  it.each([
    ['half', /^@fewstep\/engine-half 1\.2\.3 is no engine: .* no `engine` with the method `open`/],
    ['other', /^@fewstep\/engine-other 1\.2\.3 is no engine: .* no `engine` with the method `check`/],
    ['broken', /^@fewstep\/engine-broken 1\.2\.3 can't be loaded \(out of order\)/],
  ])('%s', async (name, message) => {
    await expect(parseDevice(name)).rejects.toThrow(refusal(message));
  });

  it('or is not there is told of, with what to install', async () => {
    await expect(findEngine('tfjs', [dir])).rejects.toThrow(
      refusal(
        /^the engine "tfjs" is not installed: no package @fewstep\/engine-tfjs from .*below upwards, nor beside @fewstep\/models\. npm install @fewstep\/engine-tfjs$/,
      ),
    );
    await expect(findEngine('../tfjs')).rejects.toThrow(refusal(/^"\.\.\/tfjs" names no engine$/));
  });
});
