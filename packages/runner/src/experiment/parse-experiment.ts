import { dirname, resolve } from 'node:path';
import { canonicalJson, type Json } from '@fewstep/taskgraph/json';
import { shown, shownKey } from '../judging/shown.js';
import { didYouMean } from '../judging/suggest.js';
import { modelsFolder, workingFolder } from '../workspace.js';
import type { Completed } from './completer.js';
import type { Experiment, NeededFile, Point } from './experiment.js';
import { samplerCompleter } from './given-sampler.js';
import { type Combination, type Complain, combinations, labelsOf } from './grid.js';
import { judge } from './judge.js';
import { checkpointJudge } from './judge-checkpoint.js';
import { clipJudge } from './judge-clip.js';
import { gridPathsOf, languageWith, ourLanguage } from './language.js';
import { neededFiles } from './missing-files.js';
import { datasetFinder } from './named-datasets.js';
import { levelsJudge } from './noise-levels.js';
import { lookIntoOnnx } from './onnx-files.js';
import { completeOnnxFolder } from './onnx-folder.js';
import { type Told, withOverrides } from './overrides.js';
import { displayPath, type Problem, problem, SpecError } from './problem.js';
import { promptsReader } from './prompts-file.js';
import { publishedReader } from './published-figures.js';
import { readSpec } from './read-yaml.js';
import { resolvePoint } from './resolve.js';
import type { WrittenSpec } from './schema.js';
import { complainOpen, type Open, predictorCompleter } from './trained-predictor.js';
import { type Tree, toJs, without, writtenIn } from './tree.js';
import { complainUnread } from './unread.js';

export interface SpecOptions {
  /** What options of a command give keys, before `set`. */
  readonly told?: readonly Told[];
  /** `path=value` each, values as YAML; they change the file's values before the grid is applied. */
  readonly set?: readonly string[] | undefined;
  /** Labels of the points that are meant, or the names of their folders; left out: all. */
  readonly only?: readonly string[] | undefined;
  /** Working folder; default the process's. */
  readonly cwd?: string;
  /** Nothing is scored, whatever the spec says. */
  readonly unscored?: boolean;
  /** Folder of the registry's checkpoints; default $FEWSTEP_MODELS, else models/ in the workspace. */
  readonly models?: string;
}

/**
 * The experiment that a YAML text describes, every default filled in, every path absolute.
 *
 * Files that it names need not be there: see `missingFiles`. Only `predictor` and prompts are read, for they say what is
 * sampled (the registry's prompts where they are there), of a checkpoint the names in it, for they say what it can be led by, of
 * a CLIP those, too, of ONNX files their outlines, and of a folder of such what it is configured for.
 *
 * `published` is read, too: each point has what is published of it.
 *
 * @param file the text's file as the user gave it: messages begin with it, paths are relative to its folder
 * @throws SpecError (E_SPEC) with everything that is wrong, each with its place
 */
export async function parseExperiment(
  text: string,
  file: string,
  options: SpecOptions = {},
): Promise<Experiment> {
  const { tree, problems } = readSpec(text, displayPath(file, options.cwd ?? workingFolder()));
  if (tree === undefined) throw new SpecError(problems);
  return experimentOf(tree, file, options, problems);
}

/**
 * The same of what a spec would say.
 *
 * @param problems that it has already
 * @throws SpecError (E_SPEC)
 */
export async function experimentOf(
  tree: Tree,
  file: string,
  options: SpecOptions = {},
  problems: Problem[] = [],
  dropped: readonly string[] = [],
): Promise<Experiment> {
  const cwd = options.cwd ?? workingFolder();
  const models = options.models === undefined ? modelsFolder(cwd) : resolve(cwd, options.models);
  const absolute = resolve(cwd, file);
  const surroundings = { specFolder: dirname(absolute), cwd, models };
  const complain: Complain = (place, path, sentence) => problems.push(problem(place, path, sentence));
  if (tree.kind !== 'map') {
    complain(
      tree.place,
      '',
      `found ${shown(toJs(tree))}, expected a map with name, dataset, schedule, student, ….`,
    );
    throw new SpecError(problems);
  }

  const own = [...Object.keys(ourLanguage.schema.properties!), 'grid'];
  const found = [...tree.entries.keys()];
  if (found.length > 1 && !found.some((key) => own.includes(key))) {
    complain(
      tree.place,
      '',
      `none of its keys is one of a spec (${found.slice(0, 5).map(shownKey).join(', ')}${found.length > 5 ? ', …' : ''}): is it the file of another program? A spec has ${own.slice(0, 4).join(', ')} and more; fewstep schema tells all.`,
    );
    throw new SpecError(problems);
  }

  // what --set names may itself be a module, so its values are laid down before anything is judged
  const named = withOverrides(tree, options, () => {}, 'any key').root;
  const before = problems.length;
  const language = await languageWith(named, surroundings.specFolder, complain);
  if (problems.length > before) throw new SpecError(problems); // what they declare decides what the rest means
  const changed = withOverrides(tree, options, complain, language);
  const { overrides } = changed;
  const root = without(changed.root, new Set(changed.beneath.map(({ place }) => place))) ?? changed.root;
  const find = datasetFinder(surroundings);
  const completePredictor = predictorCompleter({ ...surroundings, find }, complain, language);
  const completeSampler = samplerCompleter({ ...surroundings, find }, complain, language.declarations);
  const candidates: (Completed & Open & Pick<Point, 'table'>)[] = [];
  for (const combination of combinations(root, complain, gridPathsOf(language)))
    candidates.push(
      combination.tree.entries.has('sampler')
        ? await completeSampler(combination)
        : await completePredictor(combination),
    );
  const { rules } = language;
  const asked = options.unscored ? { ...language, rules: rules.filter((rule) => !rule.ofScores) } : language;
  const judged = candidates.map(({ tree, doubtful }) =>
    judge(completeOnnxFolder(tree, surroundings, complain), complain, asked, doubtful, find),
  );
  for (const [i, one] of judged.entries()) complainOpen(candidates[i]!, one, complain);
  const judgeCheckpoint = checkpointJudge(surroundings, complain);
  for (const one of judged) await judgeCheckpoint(one);
  const judgeClip = clipJudge(surroundings, complain);
  for (const one of judged) await judgeClip(one);
  const readPrompts = promptsReader(surroundings, complain);
  const prompts: (readonly string[] | undefined)[] = [];
  for (const one of judged) prompts.push(await readPrompts(one));
  const readPublished = publishedReader({ ...surroundings, find }, complain);
  const withPublished: Awaited<ReturnType<typeof readPublished>>[] = [];
  for (const one of judged) withPublished.push(await readPublished(one));
  const left = complainUnread(judged, complain, language.conditional);
  complainShadowed(overrides, root.entries.get('grid')?.value, candidates, complain);
  if (problems.length > 0) throw new SpecError(problems);
  const gone = [...left, ...changed.beneath];
  const rest = without(tree, new Set(gone.map(({ place }) => place)));
  if (rest && rest.kind === 'map')
    return experimentOf(rest, file, options, problems, [
      ...new Set([...dropped, ...gone.map(({ path }) => path)]),
    ]);

  const labels = labelsOf(candidates);
  const files = new Map<string, NeededFile>();
  const resolved = judged.map(({ spec }, i) =>
    withPublished[i]!(
      resolvePoint(spec, surroundings, language.declarations, {
        prompts: prompts[i],
        table: candidates[i]!.table,
      }),
    ),
  );
  const beside = await lookIntoOnnx(
    resolved.map(({ dataset }, i) => ({ dataset, tree: judged[i]!.tree })),
    complain,
  );
  const judgeLevels = levelsJudge(complain);
  // what makes tables is loaded only for a spec that fits one
  const isFitted = resolved.some(({ fit }) => fit);
  const judgeFamily = isFitted
    ? (await import('./table-family.js')).familyJudge(complain, language.declarations)
    : undefined;
  const costs: ReturnType<NonNullable<typeof judgeFamily>>[] = [];
  for (const [i, point] of resolved.entries()) {
    await judgeLevels(point, judged[i]!);
    costs.push(judgeFamily?.(point, judged[i]!));
  }
  const points = judged.map(({ spec, tree }, i): Point => {
    const { fit, ...rest } = resolved[i]!;
    const cost = costs[i];
    const point = {
      label: labels[i]!,
      settings: candidates[i]!.settings,
      ...rest,
      ...(fit && cost && { fit: { ...fit, cost } }),
    };
    for (const needed of neededFiles(point, beside, spec, tree, surroundings))
      files.set(needed.path, files.get(needed.path) ?? needed);
    return point;
  });
  // those that only what was left out told apart are one
  const isTwin = dropped.length > 0 ? twins(points).map((twin) => twin !== undefined) : [];
  if (dropped.length === 0) complainTwins(points, candidates, complain);
  const chosen = await chosenOf(points, options.only, complain);
  const isKept = (i: number) => chosen(points[i]!) && !isTwin[i];
  const meant = candidates.filter((_, i) => isKept(i));
  if (options.only?.length)
    complainShadowed(
      overrides,
      undefined,
      meant,
      complain,
      'every point that --only means gives it: change it there.',
    );
  if (problems.length > 0) throw new SpecError(problems);
  const kept = points.flatMap((point, i) => (isKept(i) ? [{ point, i }] : []));
  return {
    name: judged[0]!.spec.name,
    file: absolute,
    specs: kept.map(({ i }) => toJs(candidates[i]!.tree) as WrittenSpec),
    files: [...files.values()],
    points: kept.map(({ point }) => (options.unscored ? { ...point, repeats: 1 } : point)),
    changes: [...(options.set ?? []), ...(options.only ?? []).map((label) => `only=${label}`)],
    dropped,
  };
}

/** Whether a point is one of those that are meant, by its label or the name of its folder. */
async function chosenOf(
  points: readonly Point[],
  only: readonly string[] = [],
  complain: Complain,
): Promise<(point: Point) => boolean> {
  if (only.length === 0) return () => true;
  const { foldersOf } = await import('../report/folders.js'); // and the store's digests only then
  const labels = points.map(({ label }) => label);
  const folders = foldersOf(labels);
  const meant = new Set<Point>();
  for (const text of only) {
    const at = Math.max(labels.indexOf(text), folders.indexOf(text));
    if (at >= 0) meant.add(points[at]!);
    else {
      const file = `--only ${shown(text)}`;
      const all = labels.slice(0, mostLabels).map(shown).join(', ');
      const more = labels.length > mostLabels ? ` and ${labels.length - mostLabels} more` : '';
      complain(
        { file, line: 0, column: 0, layer: 2 },
        '',
        `no point has this label${didYouMean(text, labels) || '.'} There ${labels.length === 1 ? 'is' : 'are'} ${all}${more}.`,
      );
    }
  }
  return (point) => meant.has(point);
}

/** More labels are not listed. */
const mostLabels = 20;

/** A value of the command line that every point replaces, of all or of those that are meant, would silently do nothing. */
function complainShadowed(
  overrides: ReturnType<typeof withOverrides>['overrides'],
  grid: Tree | undefined,
  candidates: readonly Combination[],
  complain: Complain,
  why = 'every point of the grid gives it: change it there, or take the grid away with --set grid=null.',
): void {
  if (overrides.length === 0 || candidates.length === 0) return;
  const effective = new Set(candidates.flatMap(({ tree }) => [...writtenIn(tree)]));
  for (const { path, place } of overrides) {
    if (effective.has(place) || path.startsWith('grid')) continue;
    const isAxis = grid?.kind === 'map' && grid.entries.has(path);
    complain(
      place,
      path,
      isAxis
        ? `changes nothing, for the grid gives it in every point; did you mean --set 'grid.${path}=[…]'?`
        : `changes nothing, for ${why}`,
    );
  }
}

/** Of each point the first one that computes the same, where there is one before it. */
function twins(points: readonly Point[]): (number | undefined)[] {
  const byContent = new Map<string, number>();
  return points.map(({ label, settings, ...content }, i) => {
    const key = canonicalJson(content as unknown as Json);
    const twin = byContent.get(key);
    byContent.set(key, twin ?? i);
    return twin;
  });
}

/** Two rows that compute the same, or that nobody could tell apart. */
function complainTwins(
  points: readonly Point[],
  candidates: readonly Combination[],
  complain: Complain,
): void {
  const byLabel = new Map<string, number>();
  const twin = twins(points);
  for (const [i, { label }] of points.entries()) {
    const first = twin[i];
    const namesake = byLabel.get(label);
    const { choices } = candidates[i]!;
    if (first !== undefined) {
      const others = candidates[first]!.choices;
      const differing = choices.find(({ place }, axis) => place !== others[axis]?.place) ?? choices[0]!;
      const what = differing.value === undefined ? 'this point' : shown(differing.value);
      complain(
        differing.place,
        differing.path,
        `${what} makes the same point as ${shown(points[first]!.label)} does: remove it, or list under grid.points the combinations that differ.`,
      );
    } else if (namesake !== undefined)
      complain(
        candidates[i]!.label?.place ?? choices[0]!.place,
        choices[0]!.path,
        `two points would be labelled ${shown(label)}: list them under grid.points, each with a label.`,
      );
    byLabel.set(label, namesake ?? i);
  }
}
