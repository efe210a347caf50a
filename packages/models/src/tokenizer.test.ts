import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTokenizer, type Tokenizer } from './tokenizer.js';

describe('with CLIP’s vocabulary', () => {
  let clip: Tokenizer;
  beforeAll(async () => {
    clip = await openTokenizer();
  }, 60_000);
  /** Up to the first end token. */
  const tokens = (prompt: string) => {
    const all = clip.encode(prompt, 77);
    expect(all).toHaveLength(77);
    return all.slice(1, all.indexOf(49407));
  };

  it('starts, ends, and pads with the end', () => {
    expect(clip.encode('a photo of a cat', 9)).toEqual([
      49406, 320, 1125, 539, 320, 2368, 49407, 49407, 49407,
    ]);
    expect(clip.encode('', 4)).toEqual([49406, 49407, 49407, 49407]);
  });

  it('joins byte pairs', () => {
    expect(tokens('a photograph of an astronaut riding a horse')).toEqual([
      320, 8853, 539, 550, 18376, 6765, 320, 4558,
    ]);
  });

  it('takes no notice of case and of how much space there is', () => {
    expect(tokens('  A photo\n OF a   Cat ')).toEqual(tokens('a photo of a cat'));
  });

  it('parts digits, punctuation and contractions', () => {
    expect(tokens('123')).toEqual(['1', '2', '3'].flatMap(tokens));
    expect(tokens('cat!')).toEqual([...tokens('cat'), ...tokens('!')]);
    expect(tokens("dog's")).toEqual([...tokens('dog'), ...tokens("'s")]);
  });

  it('goes down to bytes where letters are rare', () => {
    const found = tokens('日本 🙂');
    expect(found.length).toBeGreaterThan(1);
    expect(found.every((token) => token >= 0 && token < 49406)).toBe(true);
    expect(tokens('é')).toEqual(tokens('e\u0301'));
  });

  it('cuts a long prompt off, and still ends', () => {
    const found = clip.encode('cat '.repeat(100), 77);
    expect(found).toHaveLength(77);
    expect(found.slice(0, 2)).toEqual([49406, 2368]);
    expect(found.slice(-2)).toEqual([2368, 49407]);
  });
});

describe('with a vocabulary of one’s own', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const write = async (vocab: unknown, merges: string) => {
    await writeFile(join(folder, 'vocab.json'), typeof vocab === 'string' ? vocab : JSON.stringify(vocab));
    await writeFile(join(folder, 'merges.txt'), merges);
  };
  const vocab = {
    a: 0,
    b: 1,
    'a</w>': 2,
    'b</w>': 3,
    ab: 4,
    'ab</w>': 5,
    '<|startoftext|>': 6,
    '<|endoftext|>': 7,
  };

  it('reads vocab.json and merges.txt', async () => {
    await write(vocab, '#version: 0.2\na b</w>\na b\n');
    const tokenizer = await openTokenizer(folder);
    expect(tokenizer.encode('ab abb a', 9)).toEqual([6, 5, 4, 3, 2, 7, 7, 7, 7]);
  });

  it.each([
    ['no JSON', '{', 'a b', /no JSON/],
    ['no numbers', { a: 'x' }, 'a b', /its number/],
    ['no pairs', vocab, 'a b c', /"a b c" are no two tokens/],
    ['no end', { a: 0, b: 1 }, 'a b', /startoftext/],
  ])('refuses %s', async (_, numbers, merges, message) => {
    await write(numbers, merges);
    await expect(openTokenizer(folder)).rejects.toMatchObject({
      code: 'E_TOKENIZER',
      message: expect.stringMatching(message),
    });
  });

  it('says which files it looked for', async () => {
    await expect(openTokenizer(join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'E_TOKENIZER',
      message: expect.stringMatching(/vocab\.json can't be read/),
    });
  });
});
