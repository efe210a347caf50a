import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fewstep } from './command-line.js';

const digits = fileURLToPath(new URL('../../experiments/digits-amed.yaml', import.meta.url));

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-start-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Files whose code a command ran, as V8's coverage tells. */
async function loadedBy(...args: string[]): Promise<string[]> {
  const { code, stderr } = await fewstep(args, { env: { NODE_V8_COVERAGE: dir } });
  expect(code, stderr).toBe(0);
  const loaded: string[] = [];
  for (const name of await readdir(dir)) {
    const { result } = JSON.parse(await readFile(join(dir, name), 'utf8'));
    loaded.push(...(result as { url: string }[]).map(({ url }) => url));
  }
  return loaded.filter((url) => url.startsWith('file:'));
}

it('a spec is validated without what computes, downloads, or compiles a schema', async () => {
  const loaded = await loadedBy('validate', digits);
  expect(loaded.filter((url) => url.includes('/packages/runner/')).length).toBeGreaterThan(20);
  // of the models no more than what they are told, and what configurations beside them say
  const heavy =
    /packages\/(models\/dist\/(?!families|checkpoints\/configs)|metrics)|node_modules\/(ajv|undici|es-module-lexer|onnxruntime-\w+|sharp)\//;
  expect(loaded.filter((url) => heavy.test(url))).toEqual([]);
  expect(loaded.length).toBeLessThan(240);
});

it('help is printed without what reads a spec', async () => {
  const loaded = await loadedBy('--help');
  expect(loaded.filter((url) => /\/(experiment|yaml|schedules|solvers)\//.test(url))).toEqual([]);
  expect(loaded.length).toBeLessThan(16);
});
