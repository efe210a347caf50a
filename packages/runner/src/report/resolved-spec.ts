import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { stringify } from 'yaml';
import { laidOut } from '../experiment/datasets.js';
import { named, ours } from '../experiment/declared.js';
import type {
  ChosenMethod,
  ChosenSchedule,
  Experiment,
  FitConfig,
  GitsConfig,
  GivenSchedule,
  Point,
} from '../experiment/experiment.js';
import { datasetFinder, withPaths } from '../experiment/named-datasets.js';
import type { WrittenSpec } from '../experiment/schema.js';
import { seedsText } from '../experiment/seeds.js';
import { modelsFolder, workingFolder } from '../workspace.js';

/** Values by their keys, as YAML has them. */
type Told = Readonly<Record<string, unknown>>;

/**
 * An experiment as YAML that is read as the same, with every key that a default, a predictor or the command line gave; a grid
 * is its points, a line each. What a checkpoint or the data decide has no value before they are read, and stays left out.
 *
 * @param wholes `settingsIn` the folder that it is for
 */
export function resolvedSpec({ points }: Experiment, wholes: readonly Settings[]): string {
  const [first, ...others] = wholes as [Settings, ...Settings[]];
  const common = [...first].filter(([path, value]) => others.every((one) => isSame(one.get(path), value)));
  const shared = new Set(common.map(([path]) => path));
  const own = wholes.map((whole, i) => ({
    ...(isLabel(points[i]!.label) && { label: points[i]!.label }),
    ...Object.fromEntries([...whole].filter(([path, value]) => !shared.has(path) && value !== undefined)),
  }));
  const isPlain =
    points.length === 1 &&
    points[0]!.label === (first.get('student.solver') ?? points[0]!.sampler.method.solver);
  const spec = stringify(nested(common), { aliasDuplicateObjects: false, lineWidth: 0 });
  return `${heading}${spec}${isPlain ? '' : `grid:\n  points:\n${own.map(pointText).join('')}`}`;
}

/** Every key of a point by its dotted path. */
export type Settings = ReadonlyMap<string, unknown>;

/** Those of each point, as `resolvedSpec` writes them for a spec in `folder`: paths are relative to that. */
export function settingsIn({ file, points, specs }: Experiment, folder: string): Settings[] {
  const surroundings = { cwd: workingFolder(), models: modelsFolder() };
  const from = dirname(file);
  const finder = (specFolder: string) => datasetFinder({ ...surroundings, specFolder });
  const places: Places = { from, folder, here: finder(from), there: finder(folder) };
  return points.map((point, i) => keysOf(wholeOf(point, specs[i]!, places)));
}

const heading = `# What the results beside it are of, with every key; each run makes it anew.
`;

/** A point in a line. JSON is YAML, but for numbers that it has not, and no spec has. */
const pointText = (point: object): string =>
  `    - { ${Object.entries(point)
    .map(([key, value]) => `${/^[\w.]+$/.test(key) ? key : JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(', ')} }\n`;

/** What a spec may call a point; another is made of its keys again. */
const isLabel = (label: string) => /^[^\p{C}]{1,100}$/u.test(label);

/** The folder of a spec and the one that it is written for, and what names of datasets stand for in each. */
interface Places {
  readonly from: string;
  readonly folder: string;
  readonly here: ReturnType<typeof datasetFinder>;
  readonly there: ReturnType<typeof datasetFinder>;
}

function wholeOf(point: Point, spec: WrittenSpec, places: Places): Told {
  const { from, folder } = places;
  const { sampler, train, fit, predictor, table, onTable, reference, seeds, grid } = point;
  const at = (path: string) => pathFrom(folder, path);
  const methodOf = ({ method, methodModule }: ChosenMethod) => ({
    ...method,
    ...(methodModule !== undefined && { solver: at(methodModule) }),
  });
  const scheduleOf = ({ schedule, scheduleModule }: ChosenSchedule<GivenSchedule | GitsConfig>) => ({
    ...schedule,
    ...(scheduleModule !== undefined && { type: at(scheduleModule) }),
  });
  const made = () => ({
    schedule: scheduleOf(sampler),
    student: {
      ...(fit ? tableOf(fit, methodOf(sampler), at) : methodOf(sampler)),
      num_steps: sampler.numSteps,
      afs: sampler.afs,
      denoise_to_zero: sampler.denoiseToZero,
      ...((train || predictor !== undefined) && { bottleneck: sampler.bottleneck ?? 'network' }),
    },
    ...(fit
      ? fitOf(fit, methodOf, scheduleOf, at)
      : predictor === undefined
        ? trainingOf(train, methodOf)
        : { predictor: at(predictor) }),
  });
  const ofTable = ({ file }: NonNullable<Point['table']>) => {
    if (predictor !== undefined) return { predictor: at(predictor) };
    if (!onTable) return { sampler: at(file) };
    const { scaleTime, teacher, images, batch, lr, seed, validation } = onTable;
    return {
      sampler: at(file),
      student: { steering: 'predictor', scale_time: scaleTime },
      teacher: ownTeacher(teacher, methodOf, scheduleOf),
      train: { total_kimg: images / 1000, batch, lr, seed, validation },
    };
  };
  return {
    name: spec.name,
    dataset: datasetOf(spec, places),
    ...(spec.guidance && { guidance: guidanceOf(point, spec.guidance, from, at) }),
    ...(table ? ofTable(table) : made()),
    sample: {
      seeds: seedsText(seeds),
      ...(point.evaluate.length > 0 && {
        repeats: point.repeats,
        ...(point.tunedOn && { tuned_on: seedsText(point.tunedOn) }),
      }),
      batch: point.batch,
      grid: `${grid.columns}x${grid.rows}`,
      paths: point.paths,
      rng: point.rng,
      classes: point.classes,
    },
    reference: {
      ...methodOf(reference),
      num_steps: reference.numSteps,
      afs: reference.afs,
      denoise_to_zero: reference.denoiseToZero,
      schedule: scheduleOf(reference),
    },
    evaluate: point.evaluate.map((one) => (typeof one === 'string' ? one : at(one.file))),
    ...(spec.published !== undefined && { published: at(resolve(from, spec.published)) }),
  };
}

function trainingOf(train: Point['train'], methodOf: (chosen: ChosenMethod) => object): Told {
  if (!train) return { train: false };
  const { teacher, M, images, batch, lr, lossWeight, validation, seed } = train;
  return {
    teacher: { ...methodOf(teacher), M },
    train: { total_kimg: images / 1000, batch, lr, loss_weight: lossWeight, seed, validation },
  };
}

/** A table, and where it reads that what it begins from. */
function tableOf(
  { generator: { generator, ...told }, generatorModule, isStarted }: FitConfig,
  { solver, ...options }: { readonly solver: unknown },
  at: (path: string) => string,
): Told {
  const made = generatorModule === undefined ? named(ours.generators, generator)?.name : at(generatorModule);
  if (made === undefined) return { solver, steering: 'table', ...told };
  return { solver: made, ...(isStarted && { start: solver, ...options }), ...told };
}

type ByMethod = (chosen: ChosenMethod) => object;
type BySchedule = (chosen: ChosenSchedule<GivenSchedule>) => object;

const fitOf = (
  { teacher, images, finalRounds, validation, contrast, matchEnergy, seed, features }: FitConfig,
  methodOf: ByMethod,
  scheduleOf: BySchedule,
  at: (path: string) => string,
): Told => ({
  teacher: ownTeacher(teacher, methodOf, scheduleOf),
  train: {
    ...{ images, final_rounds: finalRounds, validation, contrast, match_energy: matchEnergy, seed },
    loss: features ? 'features' : 'l2',
    ...(features && { feature_network: at(features.network.file), feature_weight: features.weight }),
  },
});

/** A teacher with timestamps of its own. */
const ownTeacher = (teacher: FitConfig['teacher'], methodOf: ByMethod, scheduleOf: BySchedule): Told => ({
  ...methodOf(teacher),
  num_steps: teacher.numSteps,
  afs: teacher.afs,
  denoise_to_zero: teacher.denoiseToZero,
  schedule: scheduleOf(teacher),
});

function guidanceOf(
  { guidance }: Point,
  { prompts, ...told }: NonNullable<WrittenSpec['guidance']>,
  from: string,
  at: (path: string) => string,
): Told {
  return {
    ...told,
    ...(guidance?.rate !== undefined && { rate: guidance.rate }),
    ...(prompts !== undefined && { prompts: at(resolve(from, prompts)) }),
  };
}

/** A name stays one where it stands for the same from there, too. */
function datasetOf({ dataset: written }: WrittenSpec, { from, folder, ...places }: Places): unknown {
  const own =
    typeof written === 'string'
      ? written
      : withPaths(written, (path) => pathFrom(folder, resolve(from, path)));
  const name = typeof written === 'string' ? written : written.name;
  if (name === undefined) return own;
  const [here, there] = [places.here(name), places.there(name)];
  if (typeof here !== 'object' || (typeof there === 'object' && isSame(here.keys, there.keys))) return own;
  const { name: _, entry: __, ...keys } = laidOut(written, here);
  return withPaths(keys, (path) => pathFrom(folder, resolve(from, path)));
}

/** A path for a spec in a folder: one of a module is known by its slash. */
function pathFrom(folder: string, path: string): string {
  const inside = relative(folder, path).split(sep).join('/');
  return isAbsolute(inside) || inside.startsWith('.') ? inside : `./${inside}`;
}

/** What a map holds, by dotted paths, as a grid has them. */
function keysOf(map: Told, above = '', keys = new Map<string, unknown>()): Map<string, unknown> {
  for (const [key, value] of Object.entries(map))
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      keysOf(value as Told, `${above}${key}.`, keys);
    else keys.set(above + key, value);
  return keys;
}

const isSame = (a: unknown, b: unknown) => a === b || JSON.stringify(a) === JSON.stringify(b);

/** The map of dotted paths. */
function nested(keys: readonly (readonly [string, unknown])[]): Told {
  const root: Record<string, unknown> = {};
  for (const [path, value] of keys) {
    const steps = path.split('.');
    let map = root;
    for (const step of steps.slice(0, -1)) map = (map[step] ??= {}) as Record<string, unknown>;
    map[steps.at(-1)!] = value;
  }
  return root;
}
