import { chmod, cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runJson } from '../command-json.js';
import { start } from '../command-line.js';
import { picturesAt } from './small-data.js';
import { blobPath, digits, plain, recordsOf, removeAll, run, within } from './small-store.js';

const spec = plain({
  checkpoint: `${digits.checkpoint}, reference_data: images, feature_network: ${digits.features}`,
  more: 'evaluate: [prdc]\n',
}).replace('0-3', '0-7'); // prdc takes the fifth nearest neighbour

let dir: string;
let undisturbed: unknown;
const both = ['spec.yaml', '--set', 'evaluate=[fid,kid]'];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await picturesAt(join(dir, 'images'), 8, 1);
  await writeFile(join(dir, 'spec.yaml'), spec);
  await run(dir, ['spec.yaml', '--store', 'whole']);
  for (const store of ['undisturbed', 'features', 'reference-features'])
    await cp(join(dir, 'whole'), join(dir, store), { recursive: true });
  undisturbed = (await run(dir, [...both, '--store', 'undisturbed'])).points[0]!.metrics;
});
afterAll(() => removeAll([dir]));

/** Changes a byte of every output of that name, its size kept. */
async function damage(store: string, kind: string, output: string): Promise<void> {
  const found = (await recordsOf(store)).filter(({ record }) => record.components.kind === kind);
  expect(found).not.toEqual([]);
  for (const { record } of found) {
    const path = blobPath(store, record.outputs![output]!.digest);
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await chmod(path, 0o644);
    await writeFile(path, bytes);
  }
}

describe('an input that is found damaged while a neighbour computes', () => {
  it.concurrent.each([
    ['features', 'features'],
    ['reference-features', 'features'],
  ])('is computed again, and the run ends: %s of %s', async (kind, output) => {
    const store = join(dir, kind);
    await damage(store, kind, output);
    const args = ['run', ...both, '--json', '--store', store, '--results', `results-${kind}`];
    const again = await within(60, start(args, { cwd: dir }));
    expect(again.inTime, again.stderr).toBe(true);
    expect(again.code, again.stderr).toBe(0);
    expect(runJson(again.stdout).points[0]!.metrics).toEqual(undisturbed);
  });
});
