import type { PlannedExperiment } from './cli/specs/plan.js';
import { type Answer, answered } from './cli/terminal/answer.js';
import { quietlyIf } from './cli/terminal/say.js';
import type { Report } from './report/report.js';

/** What a command does: it gets its arguments, its options and its answer. */
type Work = (...given: never[]) => void | Promise<void>;
/** An option of those that say something. */
interface Quiet {
  readonly quiet?: boolean;
}
type Given<W extends Work> = W extends (...given: [...infer G, Answer]) => unknown
  ? { [I in keyof G]: G[I] extends string | readonly unknown[] | undefined ? G[I] : G[I] & Quiet }
  : never;

/** What a command found out: the object that it prints with `--json`, and as `text` what else is for programs. */
export interface Answered {
  readonly [name: string]: unknown;
  readonly text?: string;
}

const command =
  <W extends Work, A extends object = Answered>(load: () => Promise<W>) =>
  async (...given: Given<W>): Promise<A> => {
    const { answer, found } = answered();
    const work: Work = await load();
    try {
      const options = given.find(
        (one): one is Quiet => typeof one === 'object' && one !== null && 'quiet' in one,
      );
      await quietlyIf(options?.quiet, () => work(...([...given, answer] as never[])));
    } catch (error) {
      throw error instanceof Error ? Object.assign(error, { answer: found() }) : error;
    }
    return found() as A;
  };

type Counts<K extends string> = Readonly<Record<K, number>>;

/**
 * Everything that the command line does but `worker`, which is a process of its own until it is ended: each command a function of its arguments and its options, by their names in
 * camelCase. It resolves to the object that the command prints with `--json`. What is said beside, progress among it, goes to
 * standard error; paths are relative to the working folder.
 *
 * An error is the one that the command ends with: an `Error` with a `code` (E_…), and what was found out until then as `answer`.
 * With `quiet` nothing is said there but warnings.
 *
 * SIGINT and SIGTERM end what is computed with E_INTERRUPTED, as long as it is.
 */
export const commands = {
  /** Computes what is not in the store yet; writes tables and pictures. @throws SpecError, RunnerError E_TASK, E_RESULTS */
  run: command<
    typeof import('./cli/run/run.js').run,
    { readonly experiments: readonly Report[]; readonly tasks: Counts<'computed' | 'local' | 'remote'> }
  >(async () => (await import('./cli/run/run.js')).run),
  /** Writes the page of what the store has of specs, and their table as files. @throws SpecError, RunnerError E_STORE_MISS, E_RESULTS */
  report: command(async () => (await import('./cli/reports/report.js')).report),
  /** Experiments or points side by side. @throws RunnerError E_RESULTS, E_USAGE */
  compare: command(async () => (await import('./cli/reports/compare.js')).compare),
  /** What a run would find and compute, and at what cost. @throws SpecError */
  plan: command<
    typeof import('./cli/specs/plan.js').plan,
    {
      readonly experiments: readonly PlannedExperiment[];
      readonly tasks: Counts<'found' | 'remote' | 'toCompute'>;
    }
  >(async () => (await import('./cli/specs/plan.js')).plan),
  /** The tasks of a spec as boxes and edges; without `out` the picture as `text`. @throws SpecError */
  graph: command(async () => (await import('./cli/specs/graph.js')).graph),
  /** Checks specs. @throws SpecError with every problem of all of them */
  validate: command(async () => (await import('./cli/specs/validate.js')).validate),
  /** Writes images of seeds as PNG files. @throws SpecError, RunnerError E_USAGE, E_TASK, E_RESULTS */
  sample: command(async () => (await import('./cli/images/sample.js')).sample),
  /** Writes the statistics of a set of images. @throws RunnerError E_FILE, E_IMAGES, E_TASK */
  fidRef: command(async () => (await import('./cli/images/fid.js')).fidRef),
  /** Fréchet distances of sets of images to a reference. @throws RunnerError E_FILE, E_IMAGES, E_TASK */
  fidCalc: command(async () => (await import('./cli/images/fid.js')).fidCalc),
  /** CLIP scores of sets of images. @throws RunnerError E_FILE, E_IMAGES, E_TASK */
  clipScoreCalc: command(async () => (await import('./cli/images/clip-score.js')).clipScoreCalc),
  /** Makes a set of images of a source. @throws RunnerError E_DATASET, E_FILE */
  dataset: command(async () => (await import('./cli/images/dataset.js')).dataset),
  /** The models of the registry, and which of their files are here. */
  modelsList: command(async () => (await import('./cli/models/list.js')).modelsList),
  /** Downloads the files of models. @throws RunnerError E_MODELS, E_DOWNLOAD, E_CHECKSUM */
  modelsFetch: command(async () => (await import('./cli/models/fetch.js')).modelsFetch),
  /** What a file or folder of weights is. @throws RunnerError E_FILE */
  modelsInspect: command(async () => (await import('./cli/models/inspect.js')).modelsInspect),
  /** Writes a model as ONNX. @throws RunnerError E_FILE, E_RESULTS */
  modelsExport: command(async () => (await import('./cli/models/export.js')).modelsExport),
  /** What a predictor was trained with, and its steps. @throws RunnerError E_FILE */
  predictorsShow: command(async () => (await import('./cli/samplers/predictors-show.js')).predictorsShow),
  /** What a sampler was made for, and its rows. @throws RunnerError E_SAMPLER */
  samplersShow: command(async () => (await import('./cli/samplers/show.js')).samplersShow),
  /** Writes the sampler of a spec as a table. @throws RunnerError E_SAMPLER, E_USAGE */
  samplersCompile: command(async () => (await import('./cli/samplers/compile.js')).samplersCompile),
  /** Writes a sampler as the files that another program takes. @throws RunnerError E_SAMPLER, E_MODELS, E_RESULTS */
  samplersExport: command(async () => (await import('./cli/samplers/export.js')).samplersExport),
  /** What could be learned beyond a sampler. @throws RunnerError E_SAMPLER, E_TASK */
  samplersBounds: command(async () => (await import('./cli/samplers/bounds.js')).samplersBounds),
  /** Gives the cache what the store has of specs. @throws SpecError, RunnerError E_CACHE */
  cachePush: command(async () => (await import('./cli/cache/push.js')).cachePush),
  /** Gets what the cache has of specs. @throws SpecError, RunnerError E_CACHE */
  cachePull: command(async () => (await import('./cli/cache/pull.js')).cachePull),
  /** What the store holds, by kind. @throws SpecError */
  cacheLs: command(async () => (await import('./cli/cache/ls.js')).cacheLs),
  /** Compares the store with its digests. @throws RunnerError E_STORE_DAMAGED */
  cacheVerify: command(async () => (await import('./cli/cache/verify.js')).cacheVerify),
  /** What of the store may go; with `yes` it goes. @throws SpecError, RunnerError E_USAGE, TaskgraphError E_STORE_BUSY */
  cacheGc: command(async () => (await import('./cli/cache/gc.js')).cacheGc),
  /** Keeps what specs reach. @throws SpecError, TaskgraphError E_PIN */
  cachePin: command(async () => (await import('./cli/cache/pin.js')).cachePin),
  /** Lets it go again. @throws RunnerError E_PIN */
  cacheUnpin: command(async () => (await import('./cli/cache/pin.js')).cacheUnpin),
  /** Which task made something, and who needs it. @throws SpecError, RunnerError E_STORE_MISS */
  cacheWhy: command(async () => (await import('./cli/cache/why.js')).cacheWhy),
  /** What was run, when, and where its results are. */
  ls: command(async () => (await import('./cli/reports/ls.js')).ls),
  /** A point of a run, or its points. @throws RunnerError E_RESULTS */
  show: command(async () => (await import('./cli/reports/show.js')).show),
  /** What this machine has, and what specs need of it. @throws SpecError, RunnerError E_LACKS */
  doctor: command(async () => (await import('./cli/start/doctor.js')).doctor),
  /** Writes a commented spec that runs. @throws RunnerError E_USAGE, E_RESULTS */
  init: command(async () => (await import('./cli/start/init.js')).init),
  /** The JSON Schema of specs, as `text`. @throws SpecError */
  schema: command(async () => (await import('./cli/specs/schema.js')).schema),
};
