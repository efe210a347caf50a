import { dirname, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { canonicalJson, type Json } from '../json.js';
import type { Experiment, NeededFile, Point } from './experiment.js';
import { type Combination, type Complain, combinations, labelsOf } from './grid.js';
import { neededFiles } from './missing-files.js';
import { withOverrides } from './overrides.js';
import { displayPath, type Place, type Problem, problem, SpecError, shown } from './problem.js';
import { readYaml } from './read-yaml.js';
import { resolvePoint } from './resolve.js';
import { type Rule, rules } from './rules.js';
import { pointSchema, type Spec } from './schema.js';
import { type Fault, faultsOf } from './sentences.js';
import { type Dict, dotted, type Entry, entryAt, nearestEntry, type Tree, toJs } from './tree.js';
import { options } from './unread.js';

export interface SpecOptions {
  /** `path=value` each, values as YAML; they change the file's values before the grid is applied. */
  readonly set?: readonly string[];
  /** Working folder; default the process's. */
  readonly cwd?: string;
  /** Folder of the registry's checkpoints; default $FEWSTEP_MODELS, else models/ in the working folder. */
  readonly models?: string;
}

const validate = new Ajv({ allErrors: true, verbose: true }).compile<Spec>(pointSchema);

/**
 * The experiment that a YAML text describes, every default filled in, every path absolute.
 *
 * Files that it names need not be there: see `missingFiles`.
 *
 * @param file the text's file as the user gave it: messages begin with it, paths are relative to its folder
 * @throws SpecError (E_SPEC) with everything that is wrong, each with its place
 */
export function parseExperiment(text: string, file: string, options: SpecOptions = {}): Experiment {
  const cwd = options.cwd ?? process.cwd();
  const models = resolve(cwd, options.models ?? process.env.FEWSTEP_MODELS ?? 'models');
  const absolute = resolve(cwd, file);
  const surroundings = { specFolder: dirname(absolute), cwd, models };
  const shownFile = displayPath(file, cwd);

  const { tree, problems: misread } = readYaml(text, (line, column) => ({
    file: shownFile,
    line,
    column,
    layer: 0,
  }));
  if (tree === undefined) throw new SpecError(misread);
  const problems: Problem[] = [...misread];
  const complain: Complain = (place, path, sentence) => problems.push(problem(place, path, sentence));
  if (tree.kind !== 'map') {
    complain(
      tree.place,
      '',
      `found ${shown(toJs(tree))}, expected a map with name, dataset, schedule, student, ….`,
    );
    throw new SpecError(problems);
  }

  const { root, overrides, problems: misset } = withOverrides(tree, options.set ?? [], complain);
  problems.push(...misset);
  const candidates = combinations(root, complain);
  const judged = candidates.map(({ tree }) => judge(tree, complain));
  complainUnread(judged, complain);
  complainShadowed(overrides, candidates, complain);
  if (problems.length > 0) throw new SpecError(problems);

  const labels = labelsOf(candidates);
  const files = new Map<string, NeededFile>();
  const points = judged.map(({ spec, tree }, i): Point => {
    const point = {
      label: labels[i]!,
      settings: candidates[i]!.settings,
      ...resolvePoint(spec, surroundings),
    };
    for (const needed of neededFiles(point, spec, tree, cwd))
      files.set(needed.path, files.get(needed.path) ?? needed);
    return point;
  });
  complainTwins(points, candidates, complain);
  if (problems.length > 0) throw new SpecError(problems);
  return { name: judged[0]!.spec.name, file: absolute, points, files: [...files.values()] };
}

interface Judged {
  readonly tree: Dict;
  /** What the schema asks for, except below `bad`. */
  readonly spec: Spec;
  /** Paths that have a problem. */
  readonly bad: ReadonlySet<string>;
}

/** Checks one combination against the schema, then against every rule whose keys are sound. */
function judge(tree: Dict, complain: Complain): Judged {
  const spec = toJs(tree) as Spec;
  const faults = validate(spec) ? [] : faultsOf(validate.errors ?? []);
  const bad = new Set<string>();
  for (const fault of faults) {
    const path = dotted(tree, fault.path);
    bad.add(path);
    for (const place of placesOf(fault, tree)) complain(place, path, fault.sentence);
  }
  for (const rule of rules) {
    const sentence = isSound(rule.of, bad) && rule.broken(spec);
    if (!sentence) continue;
    const path = rule.at?.(spec).split('.') ?? placeOfRule(rule, tree);
    complain(nearestEntry(tree, path).value.place, dotted(tree, path), sentence);
  }
  return { tree, spec, bad };
}

function placesOf({ path, at }: Fault, tree: Tree): readonly Place[] {
  const entry = entryAt(tree, path);
  if (at === 'value') return [nearestEntry(tree, path).value.place];
  return entry?.keys ?? nearestEntry(tree, path).keys.slice(0, 1);
}

/** None of the paths, nor any above it, has a problem already. */
function isSound(paths: readonly string[], bad: ReadonlySet<string>): boolean {
  return paths.every((path) => {
    const steps = path.split('.');
    return !steps.some((_, i) => bad.has(steps.slice(0, i + 1).join('.')));
  });
}

/** Of the rule's keys that are written, the one laid down last; the first among equals. */
function placeOfRule({ of }: Rule, tree: Tree): string[] {
  const written = of.map((path) => path.split('.')).filter((path) => entryAt(tree, path));
  const layer = (path: string[]) => entryAt(tree, path)!.value.place.layer;
  return written.reduce(
    (best, path) => (layer(path) > layer(best) ? path : best),
    written[0] ?? of[0]!.split('.'),
  );
}

/** An option that no point reads does nothing; one that some point reads is fine in the others. */
function complainUnread(judged: readonly Judged[], complain: Complain): void {
  const written = new Map<string, { place: Place; path: string; reader: string; read: boolean }>();
  for (const { tree, spec, bad } of judged) {
    const dead: string[] = [];
    for (const { path, of, read, reader } of options) {
      const entry = entryAt(tree, path.split('.'));
      if (entry === undefined || dead.some((above) => path.startsWith(`${above}.`))) continue;
      const isRead = !isSound(of, bad) || read(spec);
      if (!isRead) dead.push(path);
      for (const place of entry.keys) {
        const id = `${place.file}:${place.line}:${place.column} ${path}`;
        const before = written.get(id);
        written.set(id, { place, path, reader, read: isRead || (before?.read ?? false) });
      }
    }
  }
  for (const { place, path, reader, read } of written.values())
    if (!read) complain(place, path, `nothing reads it: ${reader}. Remove it.`);
}

/** A value of the command line that every point replaces would silently do nothing. */
function complainShadowed(
  overrides: ReturnType<typeof withOverrides>['overrides'],
  candidates: readonly Combination[],
  complain: Complain,
): void {
  if (overrides.length === 0) return;
  const seen = new Set<string>();
  const visit = ({ keys, value }: Entry): void => {
    for (const place of [...keys, value.place]) seen.add(place.file);
    if (value.kind === 'map') for (const entry of value.entries.values()) visit(entry);
  };
  for (const { tree } of candidates) visit({ keys: [], value: tree });
  for (const { path, place } of overrides)
    if (!seen.has(place.file) && !path.startsWith('grid'))
      complain(
        place,
        path,
        `changes nothing, for the grid or a later --set replaces it in every point; did you mean --set 'grid.${path}=[…]'?`,
      );
}

/** Two rows that compute the same, or that nobody could tell apart. */
function complainTwins(
  points: readonly Point[],
  candidates: readonly Combination[],
  complain: Complain,
): void {
  const byContent = new Map<string, number>();
  const byLabel = new Map<string, number>();
  for (const [i, { label, settings, ...content }] of points.entries()) {
    const key = canonicalJson(content as unknown as Json);
    const twin = byContent.get(key);
    const namesake = byLabel.get(label);
    const { choices } = candidates[i]!;
    if (twin !== undefined) {
      const others = candidates[twin]!.choices;
      const differing = choices.find(({ place }, axis) => place !== others[axis]?.place) ?? choices[0]!;
      const what = differing.value === undefined ? 'this point' : shown(differing.value);
      complain(
        differing.place,
        differing.path,
        `${what} makes the same point as ${shown(points[twin]!.label)} does: remove it, or list under grid.points the combinations that differ.`,
      );
    } else if (namesake !== undefined)
      complain(
        candidates[i]!.label?.place ?? choices[0]!.place,
        choices[0]!.path,
        `two points would be labelled ${shown(label)}: list them under grid.points, each with a label.`,
      );
    byContent.set(key, twin ?? i);
    byLabel.set(label, namesake ?? i);
  }
}
