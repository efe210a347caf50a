import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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

  const beside = (name: string, values: unknown) => writeFile(join(folder, name), JSON.stringify(values));
  const special = {
    bos_token: '<|startoftext|>',
    eos_token: { content: '<|endoftext|>', lstrip: false },
    pad_token: 'a',
    unk_token: '<|endoftext|>',
  };
  const [MAP, CONFIG] = ['special_tokens_map.json', 'tokenizer_config.json'];
  describe('and files beside it', () => {
    beforeEach(async () => {
      await write(vocab, 'a b</w>\na b\n');
    });
    afterEach(async () => {
      for (const name of [MAP, CONFIG, 'added_tokens.json']) await rm(join(folder, name), { force: true });
    });
    const refusal = (message: RegExp, more = {}) => ({
      code: 'E_TOKENIZER',
      message: expect.stringMatching(message),
      evidence: expect.objectContaining(more),
    });

    it('pads with what they say, the map before the configuration, and has special tokens whole', async () => {
      const config = { model_max_length: 7, pad_token: '<|endoftext|>', tokenizer_class: 'CLIPTokenizer' };
      await beside(CONFIG, { ...config, pad_token: 'b' });
      expect((await openTokenizer(folder)).encode('ab', 7)).toEqual([6, 2, 1, 7, 1, 1, 1]);
      await beside(MAP, special);
      await beside(CONFIG, config);
      const tokenizer = await openTokenizer(folder);
      // what pads is whole within a prompt, too: no pair of ab is joined
      expect(tokenizer.encode('ab b', 7)).toEqual([6, 0, 3, 3, 7, 0, 0]);
      expect(tokenizer.encode('b b b b b b b', 7)).toEqual([6, 3, 3, 3, 3, 3, 7]);
      expect(() => tokenizer.encode('b', 9)).toThrow(
        expect.objectContaining(refusal(/model_max_length 7, and prompts of 9 tokens/)),
      );
    });

    it('starts and ends with what they say', async () => {
      await beside(MAP, { ...special, bos_token: 'b', eos_token: 'ab</w>', pad_token: '<|endoftext|>' });
      expect((await openTokenizer(folder)).encode('a', 5)).toEqual([1, 2, 5, 7, 7]);
    });

    it('that contradict each other, where versions of their library differ, are refused', async () => {
      await beside(MAP, special);
      const added_tokens_decoder = { 6: { content: '<|startoftext|>' }, 7: { content: '<|endoftext|>' } };
      await beside(CONFIG, { pad_token: 'b', added_tokens_decoder });
      await expect(openTokenizer(folder)).rejects.toMatchObject(
        refusal(/says pad_token "a", and tokenizer_config\.json beside it "b"/, { keys: ['pad_token'] }),
      );
      await beside(CONFIG, { added_tokens_decoder });
      expect((await openTokenizer(folder)).encode('b', 5)).toEqual([6, 3, 7, 0, 0]);
    });

    it.each([
      [MAP, { mask_token: 'a' }, /says mask_token "a"; nothing here knows it/],
      [
        MAP,
        { additional_special_tokens: ['<new>'] },
        /additional_special_tokens .* nothing in it is expected/,
      ],
      [MAP, { pad_token: { content: 'a', lstrip: true } }, /that takes no space beside it/],
      [MAP, { pad_token: '<pad>' }, /the vocabulary has no <pad>/],
      [MAP, [], /special_tokens_map\.json is no JSON object/],
      [CONFIG, { tokenizer_class: 'T5Tokenizer' }, /only "CLIPTokenizer" or/],
      [CONFIG, { do_lower_case: false }, /do_lower_case false; only true/],
      [CONFIG, { padding_side: 'left' }, /padding_side "left"/],
      [
        CONFIG,
        { added_tokens_decoder: { 8: { content: '<new>' } } },
        /adds "<new>" as number 8 .* not; tokens beyond/,
      ],
      ['added_tokens.json', { '<new>': 8 }, /added_tokens\.json adds "<new>" as number 8/],
      ['added_tokens.json', { a: 8 }, /adds "a" as number 8 to the vocabulary, which has it as 0/],
    ])('are refused: %s %j', async (name, values, message) => {
      await beside(name, values);
      await expect(openTokenizer(folder)).rejects.toMatchObject(refusal(message));
    });

    it('that are tokenizer.json alone are refused by name', async () => {
      const other = join(folder, 'other');
      await mkdir(other);
      await writeFile(join(other, 'tokenizer.json'), '{}');
      await expect(openTokenizer(other)).rejects.toMatchObject(
        refusal(/save the tokenizer as CLIPTokenizer/),
      );
    });
  });

  it('says which files it looked for', async () => {
    await expect(openTokenizer(join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'E_TOKENIZER',
      message: expect.stringMatching(/vocab\.json can't be read/),
    });
  });

  it('reads no vocabulary that is far longer than CLIP’s', async () => {
    await write({}, '');
    await truncate(join(folder, 'vocab.json'), 2 ** 30);
    await expect(openTokenizer(folder)).rejects.toMatchObject({
      code: 'E_TOKENIZER',
      message: expect.stringMatching(/1073741824 bytes, and at most 8388608/),
    });
  });
});
