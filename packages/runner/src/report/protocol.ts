import { basename } from 'node:path';
import {
  type ActionRecord,
  canonicalJson,
  type Execution,
  type Json,
  type Store,
  type Task,
} from '@fewstep/taskgraph';
import { seedsText } from '../experiment/seeds.js';
import type { PlannedPoint } from '../graph/compile.js';
import { referenceFeatures } from '../tasks/kinds.js';
import { type ModelInfo, readInfo } from '../tasks/model-info.js';
import { imagesOf } from './image-counts.js';

/** A file by its name and its SHA-256. */
interface NamedFile {
  readonly file: string;
  readonly sha256: string;
}

/** What figures depend on beside the sampler, as the tasks that computed them were told and recorded. */
export interface Protocol {
  /** As a spec has them. */
  readonly seeds: string;
  /** How many images a score is of; where it is repeated, each time. */
  readonly images?: number;
  readonly repeats?: number;
  readonly rng: string;
  /** Of a network with classes: `random`, one per seed, or a list that seeds go through. */
  readonly classes?: Json;
  readonly prompts?: number;
  readonly guidance?: { readonly type: string; readonly rate?: number };
  /** Of one sample: evaluations of the denoiser, and passes through the network where these are more. */
  readonly nfe?: { readonly evaluations: number; readonly forwards?: number };
  /** Left out of a table, which has them in it. */
  readonly afs?: boolean;
  readonly denoiseToZero?: boolean;
  readonly thresholding?: string;
  /** Checkpoint, and the predictor or table where there is one, by its digest. */
  readonly model?: NamedFile;
  readonly predictor?: string;
  readonly sampler?: string;
  /** What is computed in; an ONNX file of others decides for itself, and has none. */
  readonly dtype: { readonly network?: 'float32'; readonly solver: 'float64' };
  /** What computed samples and features: as records tell it, each once, with the number of its tasks. */
  readonly devices: Readonly<Record<string, readonly UsedDevice[]>>;
  /** Versions of the packages that are in the keys of these results. */
  readonly versions: Readonly<Record<string, string>>;
  /** By the name of a score. */
  readonly scores: Readonly<Record<string, ScoreProtocol>>;
}

interface UsedDevice {
  readonly device: Json;
  readonly tasks: number;
}

/** What a score was computed of. */
interface ScoreProtocol {
  /** What its task was told. */
  readonly params?: Json;
  /** The network, and what else the tasks that evaluated it were told, as how images are resized. */
  readonly features?: NamedFile & Readonly<Record<string, Json>>;
  /** Real images and how many there are, their statistics, or how the same seeds were solved. */
  readonly reference?:
    | (NamedFile & ({ readonly images: number } | { readonly statistics: true }))
    | Readonly<Record<string, Json>>;
  /** Other files that it reads, by what they are to it. */
  readonly files?: Readonly<Record<string, NamedFile>>;
}

interface Ran {
  readonly execution: Execution;
  readonly store: Store;
}

const infos = new WeakMap<ActionRecord, ModelInfo>();

/** The protocol of a point's scores; nothing where no sample is there. */
export async function protocolOf(
  { point, repeats, scores }: PlannedPoint,
  { execution, store }: Ran,
): Promise<Protocol | undefined> {
  const { records, shards: cut } = execution;
  const shards = repeats.flatMap(({ samples }) => cut.get(samples) ?? []).map(wholeOf);
  const drawn = shards.find((task) => records.has(task));
  if (!drawn) return undefined;
  const params = drawn.params as Params;
  const { meta, components } = records.get(drawn)!;
  const denoiser = taskOf(drawn, 'graph');
  const info = denoiser && (await infoOf(denoiser));
  const told = (denoiser?.params as Params | undefined)?.guidance as object | undefined;
  const guidance = { ...told, ...(params.guidance as object | undefined) } as Protocol['guidance'];
  const known = Object.entries(scores).flatMap(([name, [task]]) =>
    task && records.has(task) ? [{ name, task }] : [],
  );
  const scoring = Object.values(scores).flat();
  const features = scoring.flatMap((task) => cutOf(task, 'features')).map(wholeOf);
  const of = { samples: shards, ...(features.length > 0 && { features }) };
  const images = imagesOf(execution, cut.get(repeats[0]!.samples) ?? []);
  const { nfe, forwards, thresholding } = meta as { nfe?: number; forwards?: number; thresholding?: string };
  const model = denoiser && sourceOf(denoiser, 'checkpoint');
  const [predictor] = components.inputs.predictor ?? [];
  const [sampler] = components.inputs.sampler ?? [];
  const { prompts } = point.guidance ?? {};
  return {
    seeds: seedsText(point.seeds),
    ...(images !== undefined && { images }),
    ...(repeats.length > 1 && { repeats: repeats.length }),
    rng: String(params.rng ?? 'torch-cpu'),
    ...(info && info.labelDim > 0 && { classes: params.classes ?? 'random' }),
    ...(prompts && { prompts: prompts.length }),
    ...(guidance?.type !== undefined && { guidance }),
    ...(nfe !== undefined && { nfe: { evaluations: nfe, ...(forwards !== undefined && { forwards }) } }),
    ...(sampler === undefined && {
      afs: params.afs === true,
      denoiseToZero: params.denoiseToZero === true,
    }),
    ...(thresholding !== undefined && { thresholding }),
    ...(model && { model }),
    ...(predictor !== undefined && { predictor }),
    ...(sampler !== undefined && { sampler }),
    dtype: { ...(!point.dataset.onnx && { network: 'float32' }), solver: 'float64' },
    devices: Object.fromEntries(Object.entries(of).map(([name, tasks]) => [name, devicesOf(tasks)])),
    versions: versionsIn([...shards, ...features, ...scoring]),
    scores: Object.fromEntries(known.map(({ name, task }) => [name, scored(task)])),
  };

  /** Read once, however many points are of one model. */
  async function infoOf(task: Task): Promise<ModelInfo | undefined> {
    const record = records.get(task);
    if (!record) return undefined;
    const known = infos.get(record);
    if (known) return known;
    const path = await store.blob(record.outputs.info!);
    const info = path === undefined ? undefined : await readInfo({ info: path });
    if (info) infos.set(record, info);
    return info;
  }

  /** What the shards of an input were cut into. */
  function cutOf(task: Task, input: string): readonly Task[] {
    return (task.inputs[input] ?? []).flatMap((ref) => ('shards' in ref ? (cut.get(ref.shards) ?? []) : []));
  }

  /** The file from outside that an input is, or that a task makes it of. */
  function sourceOf(task: Task, input: string): NamedFile | undefined {
    const [ref] = task.inputs[input] ?? [];
    if (!ref) return undefined;
    if ('task' in ref) {
      for (const name of Object.keys(ref.task.inputs)) {
        const source = sourceOf(ref.task, name);
        if (source) return source;
      }
      return undefined;
    }
    const sha256 = records.get(task)?.components.inputs[input]?.[0];
    return 'file' in ref && sha256 !== undefined ? { file: basename(ref.file), sha256 } : undefined;
  }

  function devicesOf(tasks: readonly Task[]): UsedDevice[] {
    const counts = new Map<string, { device: Json; tasks: number }>();
    for (const task of new Set(tasks)) {
      const record = records.get(task);
      if (!record) continue;
      const { device } = record.provenance;
      const used = counts.get(canonicalJson(device)) ?? { device, tasks: 0 };
      used.tasks++;
      counts.set(canonicalJson(device), used);
    }
    return [...counts.values()];
  }

  function versionsIn(tasks: readonly Task[]): Protocol['versions'] {
    const all = tasks.map((task) => records.get(task)?.components.versions);
    const { task: _, ...packages } = Object.assign({}, ...all); // each kind has its own of `task`
    return packages;
  }

  /** How images came to a network's size, where that is chosen: its task counted it, for a default is in no parameter. */
  function resizeOf(shard: Task): { readonly resize?: Json } {
    const resize = records.get(shard)?.meta.resize;
    return resize === undefined ? {} : { resize };
  }

  function scored(task: Task): ScoreProtocol {
    const files: Record<string, NamedFile> = {};
    let features: ScoreProtocol['features'];
    let reference: ScoreProtocol['reference'];
    for (const [name, refs] of Object.entries(task.inputs)) {
      const [ref] = refs;
      if (!ref) continue;
      const [shard] = 'shards' in ref ? cutOf(task, name).map(wholeOf) : [];
      const network = shard && sourceOf(shard, 'network');
      if (shard && network) features = { ...network, ...withoutSeeds(shard), ...resizeOf(shard) };
      else if (shard && name === 'reference') reference = withoutSeeds(shard);
      else if ('task' in ref && ref.task.kind === referenceFeatures) {
        const data = sourceOf(ref.task, 'data');
        const tasks = refs.flatMap((one) => ('task' in one ? one.task : []));
        if (data) reference = { ...data, images: imagesOf(execution, tasks) ?? 0 };
      } else if (!shard) {
        const source = sourceOf(task, name);
        if (source && name === 'statistics') reference = { ...source, statistics: true };
        else if (source && 'file' in ref) files[name] = source;
      }
    }
    const params = Object.keys(task.params as object).length > 0 ? task.params : undefined;
    return {
      ...(params && { params }),
      ...(features && { features }),
      ...(reference && { reference }),
      ...(Object.keys(files).length > 0 && { files }),
    };
  }
}

type Params = Readonly<Record<string, Json | undefined>>;

/** What a shard was told beside its seeds. */
function withoutSeeds({ params }: Task): Readonly<Record<string, Json>> {
  const { seeds: _, ...others } = params as Readonly<Record<string, Json>>;
  return others;
}

/** The shard that a slice is taken of, or else the shard itself. */
function wholeOf(task: Task): Task {
  if (!task.shards || task.kind === task.shards.kind) return task;
  return taskOf(task, Object.keys(task.inputs)[0]!) ?? task;
}

/** The task that an input comes from. */
function taskOf(task: Task, input: string): Task | undefined {
  const [ref] = task.inputs[input] ?? [];
  return ref && 'task' in ref ? ref.task : undefined;
}
