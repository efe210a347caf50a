import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, parse, resolve } from 'node:path';
import { codeOf } from '../errors.js';
import { nearest } from '../judging/suggest.js';
import { workingFolder } from '../workspace.js';
import type { Experiment } from './experiment.js';
import type { Complain } from './grid.js';
import { type Language, languageWith, ourLanguage } from './language.js';
import { missingFiles } from './missing-files.js';
import { parseExperiment, type SpecOptions } from './parse-experiment.js';
import { displayPath, type Place, problem, SpecError } from './problem.js';
import { mostSpecBytes, readSpec } from './read-yaml.js';

/**
 * The experiment of a YAML file.
 *
 * @param file relative to the working folder or absolute
 * @throws SpecError (E_SPEC) when the file can't be read, or with everything that is wrong in it
 */
export async function readExperiment(file: string, options: SpecOptions = {}): Promise<Experiment> {
  return parseExperiment(await textOf(file, options.cwd ?? workingFolder()), file, options);
}

/**
 * All that a spec can say, with what the files of its own declare.
 *
 * @throws SpecError (E_SPEC) when it can't be read, or with what is wrong with those files
 */
export async function languageOfFile(file: string): Promise<Language> {
  const cwd = workingFolder();
  const { tree, problems } = readSpec(await textOf(file, cwd), displayPath(file, cwd));
  const complain: Complain = (place, path, sentence) => problems.push(problem(place, path, sentence));
  const language =
    tree?.kind === 'map' ? await languageWith(tree, dirname(resolve(cwd, file)), complain) : ourLanguage;
  if (problems.length > 0) throw new SpecError(problems);
  return language;
}

/** What standard input had, for it comes once; no more of it than tells that it is too much. */
let piped: Promise<Uint8Array> | undefined;
async function readAll(stream: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > mostSpecBytes) break;
  }
  return Buffer.concat(chunks);
}

/** A YAML file's text, or that of standard input where it is `-`, within limits. @throws SpecError (E_SPEC) where it can't be read */
export async function textOf(file: string, cwd: string): Promise<string> {
  const absolute = resolve(cwd, file);
  const place: Place = { file: displayPath(file, cwd), line: 0, column: 0, layer: 0 };
  const refusal = (sentence: string) => new SpecError([problem(place, '', sentence)]);
  let bytes: Uint8Array;
  if (file === '-') {
    piped ??= readAll(process.stdin);
    bytes = await piped;
    if (bytes.length > mostSpecBytes)
      throw refusal(`more than ${mostSpecBytes} bytes, which no experiment has; is it another file?`);
    if (bytes.length === 0)
      throw refusal('standard input is empty; pipe a spec into it, or name a YAML file.');
  } else
    try {
      const stats = await stat(absolute);
      if (!stats.isFile() && !stats.isDirectory())
        throw refusal('this is a pipe or a device; write the experiment into a YAML file and name that.');
      if (stats.size > mostSpecBytes)
        throw refusal(
          `${stats.size} bytes, and an experiment has at most ${mostSpecBytes}; is it another file?`,
        );
      bytes = await readFile(absolute);
    } catch (error) {
      if (error instanceof SpecError) throw error;
      throw refusal(await whyUnreadable(error, file, absolute));
    }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refusal('the file is no text (UTF-8); an experiment is a YAML file.');
  }
}

/**
 * To be called before any work starts; a spec without its checkpoint still validates and plans.
 *
 * @throws SpecError (E_SPEC) with every file that the experiment needs and that isn't there: which, from where, to where
 */
export function checkFiles(experiment: Experiment): void {
  const problems = missingFiles(experiment).map(({ ifMissing }) => ifMissing);
  if (problems.length > 0) throw new SpecError(problems);
}

async function whyUnreadable(error: unknown, file: string, absolute: string): Promise<string> {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR': {
      const beside = await readdir(dirname(absolute)).catch(() => []);
      const specs = new Map(
        beside.filter((name) => /\.ya?ml$/.test(name)).map((name) => [parse(name).name, name]),
      );
      const meant = specs.get(nearest(parse(file).name, specs.keys()) ?? '');
      return `there is no such file${meant === undefined ? '.' : `; did you mean ${join(dirname(file), meant)}?`}`;
    }
    case 'EISDIR':
      return 'this is a folder; name one YAML file in it.';
    case 'EACCES':
    case 'EPERM':
      return 'the file may not be read: its permissions forbid it.';
    default:
      return `the file could not be read: ${(error as Error).message}.`;
  }
}
