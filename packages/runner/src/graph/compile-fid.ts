import { graphBuilder, output, type Task } from '@fewstep/taskgraph';
import { fidKind } from '../scores/scores.js';
import { planReference, referenceOf } from './compile.js';
import { featureNetwork } from './feature-network.js';

const batch = 64;

/** The features of a set of images on disk, in parts. */
export function compileReference(data: string, network: string): readonly Task[] {
  const graph = graphBuilder();
  return planReference(graph, data, featureNetwork(graph, network), batch);
}

/** The Fréchet distance of a set of images to a reference: another set, or published statistics as .npz. */
export function compileFid(images: string, reference: string, network: string): Task {
  const graph = graphBuilder();
  const features = featureNetwork(graph, network);
  return graph.task(fidKind, {
    title: `fid of ${images}`,
    params: {},
    inputs: {
      moments: planReference(graph, images, features, batch).map((task) => output(task, 'moments')),
      ...referenceOf(graph, reference, features, batch),
    },
  });
}
