import {
  type GraphBuilder,
  graphBuilder,
  type OutputRef,
  output,
  type Ref,
  type Task,
} from '@fewstep/taskgraph';
import type { FeatureNetworkFile } from '../experiment/experiment.js';
import { bytesOfImages, fileOf } from '../files-of.js';
import { isWeights } from '../is-weights.js';
import { fidKind, isStatistics } from '../scores/scores.js';
import * as kinds from '../tasks/kinds.js';
import type { FeatureParams } from '../tasks/open-features.js';
import type { Which } from '../tasks/reference-features.js';

/** Bytes of images whose features are one task. */
const partBytes = 8 * 2 ** 20;

/** What a task is told of its feature network. The default is left out, so that saying it makes nothing anew. */
export const featuresBy = ({
  file,
  resize,
}: FeatureNetworkFile): { readonly network: Ref; readonly params: FeatureParams } => ({
  network: fileOf(file, isWeights(file) ? 'model' : 'onnx'),
  params: resize === undefined || resize === 'tensorflow' ? {} : { resize },
});

/** What real images are compared by: their features; where published statistics may be and are, these. */
export function referenceOf(
  graph: GraphBuilder,
  data: string,
  network: FeatureNetworkFile,
  { mayBe, batch }: { readonly mayBe?: 'statistics' | undefined; readonly batch?: number } = {},
): { readonly reference: readonly OutputRef[]; readonly statistics?: Ref } {
  if (mayBe === 'statistics' && isStatistics(data))
    return { reference: [], statistics: statisticsIn(graph, data) };
  return { reference: outputsOf(imageFeatures(graph, { data }, { network, batch })) };
}

/** Published statistics: an .npz as it is, of a pickle the .npz that a task makes of it. */
function statisticsIn(graph: GraphBuilder, file: string): Ref {
  const input = fileOf(file, 'model');
  if (/\.npz$/i.test(file)) return input;
  const task = graph.task(kinds.statistics, {
    title: `statistics from ${file}`,
    params: {},
    inputs: { file: input },
  });
  return output(task, 'statistics');
}

/** Some of a set, by their numbers from 0 in its order. */
export interface Drawn {
  readonly numbers: readonly number[];
  readonly of: number;
}

/** Images on disk, all of them or some, in the order of names. */
export interface ImageSet {
  readonly data: string;
  /** How many there are, where it is known. */
  readonly count?: number;
  readonly drawn?: Drawn | undefined;
}

/** What a Fréchet distance is from and to: images, or what somebody made of them. */
export type FidSet =
  | ({ readonly type: 'images' } & ImageSet)
  | { readonly type: 'features'; readonly data: string; readonly drawn?: Drawn | undefined }
  | { readonly type: 'statistics'; readonly data: string };

/** How images are evaluated: `batch` is how many are held at once. */
interface Evaluated {
  readonly network: FeatureNetworkFile | undefined;
  readonly batch?: number | undefined;
}

const outputsOf = (tasks: readonly Task<typeof kinds.referenceFeatures | typeof kinds.givenFeatures>[]) =>
  tasks.map((task) => output(task, 'features'));

/** The features of a set: of images in parts, of a file of features that file’s. */
function featuresOf(graph: GraphBuilder, set: Exclude<FidSet, { type: 'statistics' }>, evaluated: Evaluated) {
  if (set.type === 'images') return imageFeatures(graph, set, evaluated);
  const { data, drawn } = set;
  const task = graph.task(kinds.givenFeatures, {
    title: `features in ${data}`,
    params: drawn ? { numbers: drawn.numbers } : {},
    inputs: { file: fileOf(data, 'model') },
  });
  return [task];
}

/**
 * The features of images on disk, in as many parts as their size suggests. Those of drawn images are tasks of their own: to
 * choose them from the features of the whole set, all of its images would have to be evaluated.
 */
function imageFeatures(graph: GraphBuilder, set: ImageSet, { network: file, batch = 256 }: Evaluated) {
  if (!file) throw new Error(`images of ${set.data} need a feature network`);
  const { network, params } = featuresBy(file);
  return inParts(set, 'features', (title, which, work) =>
    graph.task(kinds.referenceFeatures, {
      title,
      params: { ...params, ...which },
      inputs: { network, data: fileOf(set.data, 'images') },
      hints: { batch },
      work,
    }),
  );
}

/**
 * What is made of each part of images on disk, in as many as their size suggests: `what` is made, in words; `work`: how many
 * images it is of, 0 where that isn't known.
 */
export function inParts<T>(
  { data, count, drawn }: ImageSet,
  what: string,
  make: (title: string, which: Which, work: number) => T,
): T[] {
  const taken = drawn?.numbers.length ?? count;
  const bytes = bytesOfImages(data) * (drawn ? drawn.numbers.length / drawn.of : 1);
  const of = Math.max(1, Math.ceil(bytes / partBytes));
  const which = drawn ? `${drawn.numbers.length} of ${drawn.of} images of ${data}` : data;
  const title = (part: number) => `${what} of ${which}${of > 1 ? `, part ${part + 1} of ${of}` : ''}`;
  const startOf = (part: number) => Math.floor(((taken ?? 0) * part) / of);
  return Array.from({ length: of }, (_, part) =>
    make(
      title(part),
      drawn ? { numbers: drawn.numbers.slice(startOf(part), startOf(part + 1)) } : { part, of },
      startOf(part + 1) - startOf(part),
    ),
  );
}

/** The features of a set, in parts. */
export function compileReference(
  set: Exclude<FidSet, { type: 'statistics' }>,
  evaluated: Evaluated,
): ReturnType<typeof featuresOf> {
  return featuresOf(graphBuilder(), set, evaluated);
}

/** The Fréchet distance of each of several sets to a reference. */
export function compileFid(
  sets: readonly FidSet[],
  reference: FidSet,
  evaluated: Evaluated,
): readonly Task<typeof fidKind | typeof kinds.fidOfStatistics>[] {
  const graph = graphBuilder();
  const real =
    reference.type === 'statistics'
      ? { reference: [], statistics: statisticsIn(graph, reference.data) }
      : { reference: outputsOf(featuresOf(graph, reference, evaluated)) };
  return sets.map((set) => {
    const title = `fid of ${set.data}`;
    return set.type === 'statistics'
      ? graph.task(kinds.fidOfStatistics, {
          title,
          params: {},
          inputs: { set: statisticsIn(graph, set.data), ...real },
        })
      : graph.task(fidKind, {
          title,
          params: {},
          inputs: { features: outputsOf(featuresOf(graph, set, evaluated)), ...real },
        });
  });
}
