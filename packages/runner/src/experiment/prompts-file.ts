import { readFile, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { codeOf, RunnerError } from '../errors.js';
import { publishedFile, type Surroundings } from './datasets.js';
import { type Complain, complainAt } from './grid.js';
import { isSound, type Judged } from './judge.js';
import { displayPath } from './problem.js';
import type { Spec } from './schema.js';

/** Captions of all of MS-COCO take 50 MB, and are 600,000. */
const mostBytes = 2 ** 26;
const mostPrompts = 2 ** 20;
const mostColumns = 1000;
/** A text encoder hears 77 tokens. */
const mostCharacters = 10_000;

/** Prompts from a file that can't give any: why, as the rest of a sentence that begins with its name. */
class NoPrompts extends Error {}

/**
 * Prompts in their order: of a CSV (RFC 4180, with a header) those of its column `text`, else a line each. Lines that
 * are blank are left out.
 */
export function parsePrompts(text: string, isCsv: boolean): string[] {
  const found: string[] = [];
  for (const prompt of isCsv ? columnOf(text, 'text') : linesOf(text)) {
    if (prompt.trim() === '') continue;
    if (found.length === mostPrompts)
      throw new NoPrompts(`has more than ${mostPrompts} prompts, and at most so many are read`);
    if (prompt.length > mostCharacters)
      throw new NoPrompts(
        `has a prompt of ${prompt.length} characters, and of at most ${mostCharacters} one is read: give each a line`,
      );
    found.push(prompt);
  }
  if (found.length === 0) throw new NoPrompts('has no prompt in it');
  return found;
}

/** One after another, so that a file of nothing but ends of lines is not a list of them. */
function* linesOf(text: string): Generator<string> {
  for (const [line] of text.matchAll(/[^\n]+/g)) yield line.replace(/\r$/, '');
}

function* columnOf(text: string, name: string): Generator<string> {
  const rows = rowsOf(text);
  const header: readonly string[] = rows.next().value ?? [];
  const column = header.findIndex((cell) => cell.trim() === name);
  if (column < 0)
    throw new NoPrompts(
      `has no column ${name} among its first line’s, ${header.slice(0, 8).join(', ').slice(0, 100)}: a CSV of prompts has one, and a file with a prompt in each line ends in .txt`,
    );
  for (const row of rows) yield row[column] ?? '';
}

/** Rows of cells: in quotes, a comma and the end of a line are text, and two quotes are one. */
function* rowsOf(text: string): Generator<string[], undefined> {
  let row: string[] = [];
  const cells = /(?:"([^"]*(?:""[^"]*){0,999999})"|([^",\r\n][^,\r\n]*|))(,|\r?\n|\r|$)/gy;
  while (cells.lastIndex < text.length) {
    const at = cells.lastIndex;
    const [, quoted, plain = '', end] = cells.exec(text) ?? [];
    const line = () => text.slice(0, at).split('\n').length;
    if (end === undefined) throw new NoPrompts(`is no CSV: a quote in line ${line()} does not end its cell`);
    if (row.length === mostColumns)
      throw new NoPrompts(`is no CSV of prompts: line ${line()} has more than ${mostColumns} columns`);
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',' && cells.lastIndex < text.length) continue;
    yield row;
    row = [];
  }
}

/** The prompts file of the dataset's registry entry, where a spec gives no prompts of its own. */
export function publishedPrompts({
  dataset,
  guidance,
}: Pick<Spec, 'dataset' | 'guidance'>): string | undefined {
  if (guidance?.type !== 'cfg' || guidance.prompt !== undefined || guidance.prompts !== undefined)
    return undefined;
  const file = publishedFile(dataset, 'prompts');
  return file && join(dataset.entry!.published!.folder, file.name);
}

/**
 * The prompts of a point whose guidance names a file of them, or whose dataset has one in the registry; undefined where it
 * has none, the spec lists them, or the registry's file is not there, which is left to `missingFiles`. Complains where they
 * can't be had.
 */
export function promptsReader(
  surroundings: Surroundings,
  complain: Complain,
): (judged: Judged) => Promise<readonly string[] | undefined> {
  const known = new Map<string, Promise<readonly string[] | string>>();
  return async ({ tree, spec, bad }) => {
    if (!isSound(['dataset', 'guidance.type', 'guidance.prompts', 'guidance.prompt'], bad)) return undefined;
    const { guidance } = spec;
    if (guidance?.type !== 'cfg' || guidance.prompt !== undefined) return undefined;
    const say = complainAt(tree, complain);
    const { prompts } = guidance;
    const path = prompts === undefined ? publishedPrompts(spec) : resolve(surroundings.specFolder, prompts);
    if (path === undefined) return undefined;
    const found = await (known.get(path) ?? known.set(path, readPrompts(path)).get(path)!);
    if (typeof found !== 'string') return found;
    const where = displayPath(path, surroundings.cwd);
    if (prompts !== undefined) say('guidance.prompts', `${where} ${found}.`);
    else if (found !== notThere)
      say('guidance', `${where} ${found}. Or add prompt, a text or a list of texts.`);
    return undefined;
  };
}

/**
 * The prompts of a file that a command is given.
 *
 * @throws RunnerError E_FILE where there are none in it
 */
export async function promptsIn(path: string): Promise<readonly string[]> {
  const found = await readPrompts(path);
  if (typeof found !== 'string') return found;
  throw new RunnerError('E_FILE', `prompts: ${path} ${found}`, { evidence: { path } });
}

const notThere = 'is not there; the path is relative to the spec';

/** The prompts of a file, or why there are none. */
async function readPrompts(path: string): Promise<readonly string[] | string> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) return 'is no file: name a text file with a prompt in each line, or a CSV';
    if (stats.size > mostBytes) return `has ${stats.size} bytes, far more than prompts take`;
    const bytes = await readFile(path);
    return parsePrompts(new TextDecoder('utf-8', { fatal: true }).decode(bytes), isCsv(path));
  } catch (error) {
    if (error instanceof NoPrompts) return error.message;
    switch (codeOf(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        return notThere;
      case 'ERR_ENCODING_INVALID_ENCODED_DATA':
        return 'is no text (UTF-8): name a text file with a prompt in each line, or a CSV with a column text';
      case undefined:
        throw error;
      default:
        return `can't be read: ${(error as Error).message}`;
    }
  }
}

const isCsv = (path: string) => extname(path).toLowerCase() === '.csv';
