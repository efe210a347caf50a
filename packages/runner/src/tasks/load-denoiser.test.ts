import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { loadDenoiser } from './load-denoiser.js';

const device = { type: 'cuda', id: 1 } as const;
/** What lay beside the graph when it was opened, by each opening. */
const opened: Record<string, string>[] = [];
let closed = 0;
vi.mock('@fewstep/models', () => ({
  openDenoiser: async (graph: string, _info: unknown, options: unknown) => {
    expect(options).toEqual({ device });
    const folder = dirname(graph);
    const contents = (await readdir(folder)).map(async (name) => [
      name,
      await readFile(join(folder, name), 'utf8'),
    ]);
    opened.push(Object.fromEntries(await Promise.all(contents)));
    return { close: async () => void closed++ };
  },
}));

let dir: string;
let store: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-load-'));
  store = await mkdtemp(join(tmpdir(), 'fewstep-store-'));
  for (const [name, text] of Object.entries({ info: '{"channels":4}', g: 'graph', a: 'one', b: 'two' }))
    await writeFile(join(store, name), text);
});
afterAll(async () => {
  await rm(dir, { recursive: true });
  await rm(store, { recursive: true });
});

const inputs = (weights: string) => ({
  graph: join(store, 'g'),
  info: join(store, 'info'),
  weights: join(store, weights),
});

it('opens a graph with its weights beside it, and again only for other weights', async () => {
  expect((await loadDenoiser({ inputs: inputs('a'), dir, device })).info).toEqual({ channels: 4 });
  await loadDenoiser({ inputs: inputs('a'), dir, device });
  expect(opened).toEqual([{ 'denoiser.onnx': 'graph', 'weights.bin': 'one' }]);
  await loadDenoiser({ inputs: inputs('b'), dir, device });
  expect(opened[1]).toEqual({ 'denoiser.onnx': 'graph', 'weights.bin': 'two' });
  expect(closed).toBe(1);
  expect(await readdir(dir)).toEqual([]);
});
