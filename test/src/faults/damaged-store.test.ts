import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobPath, type KeptRecord, plain, plan, recordsOf, removeAll, run } from './small-store.js';

const spec = plain({
  more: 'reference: { solver: euler, num_steps: 3 }\nevaluate: [rmse_to_teacher]\n',
});

let dir: string;
let undisturbed: unknown;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fewstep-'));
  await writeFile(join(dir, 'spec.yaml'), spec);
  undisturbed = await results('whole', (found) => expect(found.tasks.local).toBe(0));
});
afterAll(() => removeAll([dir]));

/** What a run with a store of that name gives, and none of it in words that blame somebody. */
async function results(name: string, check: (found: Awaited<ReturnType<typeof run>>) => void) {
  const store = join(dir, name);
  const found = await run(dir, ['spec.yaml', '--store', store, '--results', `results-of-${name}`]);
  expect(found.stderr).not.toMatch(/bug of fewstep|not deterministic/);
  check(found);
  const [point] = found.points;
  return {
    metrics: point!.metrics,
    samples: point!.artifacts.samples.map((path) => path.split('/').at(-1)),
    pictures: await Promise.all(
      [point!.artifacts.grid!, found.comparison!].map(async (path) =>
        createHash('sha256')
          .update(await readFile(join(dir, path)))
          .digest('hex'),
      ),
    ),
  };
}

/** A store like that of the undisturbed run. */
async function copied(name: string): Promise<string> {
  const store = join(dir, name);
  await cp(join(dir, 'whole'), store, { recursive: true });
  return store;
}

const save = ({ path, record }: KeptRecord) => writeFile(path, JSON.stringify(record));
const inPlaceOf = async (path: string) => {
  await rm(path);
  await mkdir(path);
};

/** What a record can say that is not so, or be. */
const falsehoods: readonly ((one: KeptRecord) => Promise<void>)[] = [
  (one) => {
    one.record.key = one.record.key.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    return save(one);
  },
  (one) => {
    for (const output of Object.values(one.record.outputs!)) output.size++;
    return save(one);
  },
  (one) => save({ ...one, record: { ...one.record, outputs: null } }),
  (one) => save({ ...one, record: { ...one.record, outputs: {} } }),
  (one) => save({ ...one, record: { ...one.record, outputs: { outcome: outputsOf(one)[0]! } } }),
  ({ path }) => inPlaceOf(path),
];
const outputsOf = ({ record }: KeptRecord) => Object.values(record.outputs!);

describe('a store that was damaged', () => {
  /** What a test damages: two shards of samples, a score and two pictures, but not the network, which is dear. */
  const cheap = async (store: string) => {
    const records = (await recordsOf(store)).filter(({ record }) => record.components.kind !== 'denoiser');
    const ofKind = (kind: string) => records.filter(({ record }) => record.components.kind === kind);
    const found = [...ofKind('samples'), ...ofKind('rmse'), ...ofKind('picture'), ...ofKind('comparison')];
    expect(found).toHaveLength(5);
    return found as [KeptRecord, KeptRecord, KeptRecord, KeptRecord, KeptRecord];
  };
  type Damage = (store: string) => Promise<unknown>;
  const falsified = (shift: number): Damage => {
    return async (store) => {
      for (const [i, one] of (await cheap(store)).entries())
        await falsehoods[(i + shift) % falsehoods.length]!(one);
    };
  };

  it.concurrent.each<[name: string, Damage]>([
    ['records that are false, each in its way', falsified(0)],
    ['the same, each in another', falsified(3)],
    [
      'blobs that are gone, and folders in their places',
      async (store) => {
        for (const [i, one] of (await cheap(store)).entries()) {
          const path = blobPath(store, outputsOf(one)[0]!.digest);
          if (i % 2 === 0) await rm(path, { force: true });
          else await inPlaceOf(path);
        }
      },
    ],
    [
      'records of another task’s outputs',
      async (store) => {
        const [one, other] = await cheap(store);
        [one.record.outputs, other.record.outputs] = [other.record.outputs, one.record.outputs];
        await save(one);
        await save(other);
      },
    ],
    [
      'records of outputs of another kind',
      async (store) => {
        const [, , score, one, other] = await cheap(store);
        one.record.outputs!.png = outputsOf(score)[0]!;
        score.record.outputs!.value = outputsOf(other)[0]!;
        await save(one);
        await save(score);
      },
    ],
  ])('is mended: %s', async (name, damage) => {
    const copy = name.replaceAll(/\W+/g, '-');
    await damage(await copied(copy));
    expect(await results(copy, () => {})).toEqual(undisturbed);
    const again = await results(copy, ({ tasks }) => expect(tasks.computed).toBe(0));
    expect(again).toEqual(undisturbed);
  });
});

describe('a store with something else in it', () => {
  /** Every folder that holds files of the store, and the ones above. */
  const folders = async (store: string) => {
    const records = await readdir(join(store, 'records'));
    const blobs = await readdir(join(store, 'blobs'));
    return [...records.map((name) => `records/${name}`), ...blobs.map((name) => `blobs/${name}`)];
  };
  const more = ['spec.yaml', '--set', 'sample.seeds=0-4', '--store'];

  it.concurrent.each([
    ['.DS_Store', (prefixes: readonly string[]) => ['.', 'records', 'blobs', ...prefixes]],
    ['@eaDir/0', (prefixes: readonly string[]) => ['records', 'blobs', ...prefixes]],
    ['x.json', () => ['records/00', 'files', 'leases', 'shards']],
  ])('passes over it: %s', async (file, places) => {
    const name = `with-${file.split('/')[0]}`;
    const store = await copied(name);
    for (const place of places(await folders(store))) {
      const path = join(store, place, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, '{"key":"x","components":{"kind":"samples"},"outputs":{}}');
    }
    expect(await results(name, ({ tasks }) => expect(tasks.computed).toBe(0))).toEqual(undisturbed);
    expect((await plan(dir, [...more, store])).kindsToCompute).toContain('samples');
  });

  it.concurrent('does without notes on files that are no JSON', async () => {
    const store = await copied('odd-notes');
    for (const name of await readdir(join(store, 'files'), { recursive: true }))
      if (/\.json$/.test(name)) await writeFile(join(store, 'files', name), 'null}');
    expect(await results('odd-notes', ({ tasks }) => expect(tasks.computed).toBe(0))).toEqual(undisturbed);
  });
});
