import { type GraphBuilder, output, type Ref } from '@fewstep/taskgraph';
import { fileOf } from '../files-of.js';
import * as kinds from '../tasks/kinds.js';

/** A feature network from its file: ONNX as it is, weights of FID's Inception-v3 as the graph that a task makes of them. */
export function featureNetwork(graph: GraphBuilder, file: string): Ref {
  if (!/\.(pth|pt|safetensors)$/i.test(file)) return fileOf(file, 'onnx');
  const task = graph.task(kinds.featureNetwork, {
    title: `feature network from ${file}`,
    params: {},
    inputs: { weights: fileOf(file, 'model') },
  });
  return output(task, 'graph');
}
