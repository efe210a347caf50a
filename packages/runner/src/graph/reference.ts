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
  return { reference: featuresOf(graph, data, network, batch).map((task) => output(task, 'features')) };
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

/** The features of images on disk, in as many parts as their size suggests. */
function featuresOf(graph: GraphBuilder, data: string, network: Ref, batch = 64) {
  const of = Math.max(1, Math.ceil(bytesOfImages(data) / partBytes));
  return Array.from({ length: of }, (_, part) =>
    graph.task(kinds.referenceFeatures, {
      title: `features of ${data}${of > 1 ? `, part ${part + 1} of ${of}` : ''}`,
      params: { part, of },
      inputs: { network, data: fileOf(data, 'images') },
      hints: { batch },
    }),
  );
}

/** The features of a set of images on disk, in parts. */
export function compileReference(data: string, network: string): readonly Task[] {
  const graph = graphBuilder();
  return featuresOf(graph, data, featureNetwork(graph, network));
}

/** The Fréchet distance of a set of images to a reference: another set, or published statistics. */
export function compileFid(images: string, reference: string, network: string): Task {
  const graph = graphBuilder();
  const features = featureNetwork(graph, network);
  return graph.task(fidKind, {
    title: `fid of ${images}`,
    params: {},
    inputs: {
      features: featuresOf(graph, images, features).map((task) => output(task, 'features')),
      ...referenceOf(graph, reference, features, { mayBe: 'statistics' }),
    },
  });
}
