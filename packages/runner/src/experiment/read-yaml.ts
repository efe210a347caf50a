import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { shown, shownKey } from '../judging/shown.js';
import { type Place, type Problem, problem } from './problem.js';
import type { Entry, Tree } from './tree.js';

/** Longer files are not even read: characters take up to four bytes. */
export const mostSpecBytes = 4_000_000;

/** More than any experiment needs; what is larger is a mistake or an attack, such as aliases of aliases of aliases. */
const limits = { characters: 1_000_000, values: 200_000, aliases: 1_000, depth: 32 } as const;

export interface Reading {
  /** undefined when the text is no YAML at all. */
  readonly tree: Tree | undefined;
  readonly problems: Problem[];
}

/**
 * YAML 1.2 (core schema: no dates, no merge keys, no tags) with the place of every value.
 *
 * `place`: of a line and a column, or of the command line; what lies under a `grid` at the root is put in layer 1.
 */
export function readYaml(text: string, place: (line: number, column: number) => Place): Reading {
  const refuse = (sentence: string): Reading => ({
    tree: undefined,
    problems: [problem(place(1, 1), '', sentence)],
  });
  if (text.length > limits.characters)
    return refuse(`${text.length} characters, more than the ${limits.characters} that are read.`);
  const lineCounter = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return place(Math.max(1, line), Math.max(1, col));
  };
  const document = withoutStacks(() =>
    parseDocument<Node, true>(text, {
      lineCounter,
      prettyErrors: false,
      uniqueKeys: false,
      schema: 'core',
      resolveKnownTags: false,
      logLevel: 'error',
    }),
  );
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    return {
      tree: undefined,
      problems: faults.map((fault) => problem(at(fault.pos[0]), '', `no valid YAML: ${reason(fault)}.`)),
    };
  if (document.contents === null) return refuse('the file is empty.');
  try {
    return unfolded(document, document.contents, at);
  } catch (error) {
    if (error instanceof TooMuch) return { tree: undefined, problems: [error.problem] };
    throw error;
  }
}

/** A bad text has an error at each of its characters, and the stack of each takes far more than the text. */
function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A spec, its places in the file that messages call by this name. */
export const readSpec = (text: string, file: string): Reading =>
  readYaml(text, (line, column) => ({ file, line, column, layer: 0 }));

function reason({ code, message }: YAMLError): string {
  switch (code) {
    case 'RESOURCE_EXHAUSTION':
      return 'it is nested too deeply to be read';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here, and one file is one experiment';
    case 'TAG_RESOLVE_FAILED':
      return 'tags (!…) mean nothing here';
    default:
      return message.trim().replace(/\s+/g, ' ');
  }
}

class TooMuch extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
  }
}

/** A document's nodes, aliases included, within the limits. */
function unfolded(document: Document<Node, boolean>, contents: Node, at: (offset: number) => Place): Reading {
  const problems: Problem[] = [];
  const count = { values: 0, aliases: 0 };
  const placeOf = (node: Node | null, layer: 0 | 1): Place | undefined => {
    if (!node?.range) return undefined;
    const place = at(node.range[0]);
    return layer === 1 && place.layer === 0 ? { ...place, layer } : place;
  };

  const resolved = (alias: Alias, place: Place): Node => {
    if (++count.aliases > limits.aliases)
      throw new TooMuch(problem(place, '', `the YAML has more than ${limits.aliases} aliases.`));
    const node = alias.resolve(document);
    if (node) return node;
    throw new TooMuch(problem(place, '', `the alias ${shown(alias.source)} has no anchor.`));
  };

  /** `fallback`: the place of a value that is not written, as that of `key:`. */
  const treeOf = (node: Node | null, path: readonly string[], fallback: Place, layer: 0 | 1): Tree => {
    const place = placeOf(node, layer) ?? fallback;
    if (++count.values > limits.values)
      throw new TooMuch(problem(place, '', `the YAML unfolds to more than ${limits.values} values.`));
    if (path.length > limits.depth)
      throw new TooMuch(problem(place, '', `the YAML is nested more than ${limits.depth} deep.`));
    if (isAlias(node)) return treeOf(resolved(node, place), path, place, layer);
    if (isMap<Node, Node | null>(node))
      return { kind: 'map', entries: entriesOf(node.items, path, place, layer), place };
    if (isSeq<Node>(node)) {
      const items = node.items.map((item, i) => treeOf(item, [...path, String(i)], place, layer));
      return { kind: 'list', items, place };
    }
    const value = isScalar<null | boolean | number | string>(node) ? node.value : null;
    return { kind: 'leaf', value, place };
  };

  const entriesOf = (
    pairs: readonly Pair<Node, Node | null>[],
    path: readonly string[],
    fallback: Place,
    layer: 0 | 1,
  ): Map<string, Entry> => {
    const found = new Map<string, Entry>();
    for (const { key, value } of pairs) {
      const place = placeOf(key, layer) ?? fallback;
      if (!isScalar(key)) {
        problems.push(problem(place, path.join('.'), 'a key is a word, not a list or a map.'));
        continue;
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? '');
      const below = [...path, shownKey(name)];
      const first = found.get(name)?.keys[0];
      if (first) {
        const sentence = `this key is there twice, first in line ${first.line}: remove one of them.`;
        problems.push(problem(place, below.join('.'), sentence));
        continue;
      }
      const isGrid = path.length === 0 && name === 'grid';
      found.set(name, { keys: [place], value: treeOf(value, below, place, isGrid ? 1 : layer) });
    }
    return found;
  };

  return { tree: treeOf(contents, [], at(0), 0), problems };
}
