import {
  type GraphBuilder,
  graphBuilder,
  type OutputRef,
  output,
  type Ref,
  type Task,
} from '@fewstep/taskgraph';
import { bytesOfImages, fileOf } from '../files-of.js';
import { fidKind, isStatistics } from '../scores/scores.js';
import * as kinds from '../tasks/kinds.js';

/** Bytes of images whose features are one task. */
const partBytes = 8 * 2 ** 20;

/**
 * A feature network from its file: ONNX as it is, weights of FID's Inception-v3 as the graph that a task makes of them, which
 * also says what is none.
 */
export function featureNetwork(graph: GraphBuilder, file: string): Ref {
  if (!/\.(pth|pt|ckpt|pkl|safetensors)$/i.test(file)) return fileOf(file, 'onnx');
  const task = graph.task(kinds.featureNetwork, {
    title: `feature network from ${file}`,
    params: {},
    inputs: { weights: fileOf(file, 'model') },
  });
  return output(task, 'graph');
}

/** What real images are compared by: their features; where published statistics may be and are, these. */
export function referenceOf(
  graph: GraphBuilder,
  data: string,
  network: Ref,
  { mayBe, batch }: { readonly mayBe?: 'statistics' | undefined; readonly batch?: number } = {},
): { readonly reference: readonly OutputRef[]; readonly statistics?: Ref } {
  if (mayBe === 'statistics' && isStatistics(data))
    return { reference: [], statistics: statisticsIn(graph, data) };
  return { reference: featuresOf(graph, { data }, network, batch).map((task) => output(task, 'features')) };
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

/** Images on disk: all of them, or some, by their numbers from 0 in the order of names. */
export interface ImageSet {
  readonly data: string;
  readonly drawn?: { readonly numbers: readonly number[]; readonly of: number } | undefined;
}

/**
 * The features of images on disk, in as many parts as their size suggests. Those of drawn images are tasks of their own: to
 * choose them from the features of the whole set, all of its images would have to be evaluated.
 */
function featuresOf(graph: GraphBuilder, { data, drawn }: ImageSet, network: Ref, batch = 64) {
  const bytes = bytesOfImages(data) * (drawn ? drawn.numbers.length / drawn.of : 1);
  const of = Math.max(1, Math.ceil(bytes / partBytes));
  const which = drawn ? `${drawn.numbers.length} of ${drawn.of} images of ${data}` : data;
  const title = (part: number) => `features of ${which}${of > 1 ? `, part ${part + 1} of ${of}` : ''}`;
  const startOf = (part: number) => Math.floor(((drawn?.numbers.length ?? 0) * part) / of);
  return Array.from({ length: of }, (_, part) =>
    graph.task(kinds.referenceFeatures, {
      title: title(part),
      params: drawn ? { numbers: drawn.numbers.slice(startOf(part), startOf(part + 1)) } : { part, of },
      inputs: { network, data: fileOf(data, 'images') },
      hints: { batch },
    }),
  );
}

/** How sets of images are evaluated: `batch` is how many are held at once. */
interface Evaluated {
  readonly network: string;
  readonly batch?: number;
}

/** The features of a set of images on disk, in parts. */
export function compileReference(data: string, { network, batch }: Evaluated): readonly Task[] {
  const graph = graphBuilder();
  return featuresOf(graph, { data }, featureNetwork(graph, network), batch);
}

/** The Fréchet distance of each of several sets of images to a reference: another set, or published statistics. */
export function compileFid(
  sets: readonly ImageSet[],
  reference: string,
  { network, batch }: Evaluated,
): readonly Task<typeof fidKind>[] {
  const graph = graphBuilder();
  const features = featureNetwork(graph, network);
  const real = referenceOf(graph, reference, features, { mayBe: 'statistics', ...(batch && { batch }) });
  return sets.map((set) =>
    graph.task(fidKind, {
      title: `fid of ${set.data}`,
      params: {},
      inputs: {
        features: featuresOf(graph, set, features, batch).map((task) => output(task, 'features')),
        ...real,
      },
    }),
  );
}
