import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openStateDict, readStateDict } from './state-dict.js';
import { toNumbers } from './tensor.js';

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const expected: Record<string, { shape: number[]; values: number[] }> = JSON.parse(
  readFileSync(fixture('tensors.json'), 'utf8'),
).state_dict;

describe('readStateDict', () => {
  it.each(['tensors.zip.pt', 'tensors.zip-protocol4.pt', 'tensors.legacy.pt', 'tensors.p2.pkl'])(
    'reads every element type, view and shared storage: %s',
    async (file) => {
      const tensors = await readStateDict(fixture(file));
      expect(
        Object.entries(tensors).map(([name, t]) => [
          name,
          { shape: [...t.shape], values: Array.from(toNumbers(t), Number) },
        ]),
      ).toEqual(Object.entries(expected).map(([name, { shape, values }]) => [name, { shape, values }]));
    },
  );

  it('takes one prefix, and names without it', async () => {
    const tensors = await readStateDict(fixture('tensors.zip.pt'), { prefix: 'view_' });
    expect(Object.keys(tensors)).toEqual(['offset']);
  });
});

describe('openStateDict', () => {
  it('knows types and shapes before anything is read', async () => {
    const dict = await openStateDict(fixture('tensors.zip.pt'));
    expect(dict.tensors.get('bf16')).toEqual({ dtype: 'BF16', shape: [4] });
    expect(dict.tensors.get('expanded')).toEqual({ dtype: 'F32', shape: [2, 3] });
    dict.close();
  });

  it('names a file that is not there', async () => {
    await expect(openStateDict('missing.pt')).rejects.toMatchObject({
      code: 'E_CHECKPOINT',
      message: expect.stringMatching(/missing\.pt can't be read: ENOENT/),
      evidence: { path: 'missing.pt' },
    });
  });
});
