import { type GraphBuilder, output } from './builder.js';
import type { Input } from './task.js';

/** A feature network from its file: ONNX as it is, weights of FID's Inception-v3 as the graph that a task makes of them. */
export function featureNetwork(graph: GraphBuilder, file: string): Input {
  if (!/\.(pth|pt|safetensors)$/i.test(file)) return { file };
  const task = graph.task('feature-network', `feature network from ${file}`, {
    params: {},
    inputs: { weights: [{ file }] },
  });
  return output(task, 'graph');
}
