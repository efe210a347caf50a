import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../command-line.js';
import { tiny } from '../small-experiment.js';
import { digits, plain, recordsOf, removeAll, run, within } from './small-store.js';

let dir: string;
const wrong = `${tiny}, reference_data: wrong.zip, feature_network: ${digits.features}`;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await writeFile(join(dir, 'a.yaml'), plain({ name: 'a' }));
  await writeFile(join(dir, 'b.yaml'), plain({ name: 'b' }).replace('0-3', '4-5'));
  await writeFile(join(dir, 'c.yaml'), plain({ name: 'c', checkpoint: wrong, more: 'evaluate: [fid]\n' }));
  await writeFile(join(dir, 'bad.yaml'), 'name: [');
  await writeFile(join(dir, 'wrong.zip'), 'no zip');
  await run(dir, ['a.yaml']);
});
afterAll(() => removeAll([dir]));

/** Runs with nobody who reads its standard output, or its standard error either. */
const unread = async (args: readonly string[], { alsoErrors = false } = {}) => {
  const { child, finished } = start(args, { cwd: dir });
  child.stdout!.destroy();
  if (alsoErrors) child.stderr!.destroy();
  const outcome = await within(60, { child, finished });
  expect(outcome.inTime).toBe(true);
  return outcome;
};

describe('when nobody reads the output', () => {
  it.concurrent('a run computes all of its specs', async () => {
    const { code, stderr } = await unread(['run', 'a.yaml', 'b.yaml']);
    expect(code, stderr).toBe(0);
    expect(existsSync(join(dir, 'results/b/table.md'))).toBe(true);
    const samples = (await recordsOf(join(dir, '.fewstep'))).filter(
      ({ record }) => record.components.kind === 'samples',
    );
    expect(samples).toHaveLength(2);
  });

  it.concurrent.each<[string, string[], number]>([
    ['of a failing run', ['run', 'c.yaml'], 1],
    ['of a failing run beside a good one, in JSON', ['run', 'a.yaml', 'c.yaml', '--json'], 1],
    ['of wrong input', ['validate', 'a.yaml', 'bad.yaml'], 2],
    ['of one that is done', ['plan', 'a.yaml'], 0],
  ])('the exit code is that %s', async (_, args, expected) => {
    for (const alsoErrors of [false, true]) expect((await unread(args, { alsoErrors })).code).toBe(expected);
  });
});
