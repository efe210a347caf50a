import { graphBuilder, output, type World } from './builder.js';
import { planReference } from './compile.js';
import { featureNetwork } from './feature-network.js';
import type { Task } from './task.js';

const batch = 64;

/** The features of a set of images on disk, in parts. */
export function compileReference(data: string, network: string, world: World): readonly Task[] {
  const graph = graphBuilder(world);
  return planReference(graph, data, featureNetwork(graph, network), batch);
}

/** The Fréchet distance of a set of images to a reference: another set, or published statistics as .npz. */
export function compileFid(images: string, reference: string, network: string, world: World): Task {
  const graph = graphBuilder(world);
  const features = featureNetwork(graph, network);
  const moments = (data: string) =>
    planReference(graph, data, features, batch).map((task) => output(task, 'moments'));
  return graph.task('fid', `fid of ${images}`, {
    params: {},
    inputs: {
      moments: moments(images),
      ...(reference.endsWith('.npz')
        ? { statistics: [{ file: reference }] }
        : { reference: moments(reference) }),
    },
  });
}
