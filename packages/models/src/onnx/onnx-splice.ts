import type { OnnxFile } from './onnx-file.js';
import type { OnnxInitializer, OnnxModel, OnnxType } from './onnx-model.js';
import { onnxTypes } from './onnx-model.js';
import { type GraphValue, OnnxOps } from './onnx-ops.js';
import { nodeWithPrefix, tensorWithPrefix } from './onnx-prefix.js';
import type { OnnxFileTensor, StoredElements } from './onnx-tensor.js';

/** Before every name of the file; none of ours begins so. */
const PREFIX = 'network/';

/**
 * Emits a graph that the graph of a file becomes a part of: its nodes and weights are taken in as they are, under names
 * of their own, and every operator has the version that the file was written for.
 *
 * Our operators are those that no version from 13 on changed for tensors of float32.
 */
export class OnnxSplice extends OnnxOps {
  constructor(
    private readonly file: OnnxFile,
    private readonly read: (part: StoredElements) => Uint8Array,
    /** Of samples that the graph takes at once; any number by default. */
    batch?: number,
  ) {
    super({}, batch);
  }

  /** Gives the file's graph its inputs, by their names there. What it makes is `taken` afterwards. */
  splice(inputs: ReadonlyMap<string, GraphValue>): void {
    for (const [name, value] of inputs) this.emit('Identity', [value], [PREFIX + name]);
    for (const node of this.file.nodes) this.nodes.push(nodeWithPrefix(node, PREFIX));
  }

  /** A value of the file's graph, [n, …shape], as float32. */
  taken(name: string, shape: readonly number[]): GraphValue {
    return this.cast({ name: PREFIX + name, shape }, 'float32');
  }

  /** Sizes of a value of the file's graph with that many of them. Its shape is [1, rank], as if of one sample. */
  sizesOf(name: string, rank: number): GraphValue {
    const sizes = this.node('Shape', [PREFIX + name], []);
    return this.reshapeAll(sizes, [1, rank]);
  }

  cast(x: GraphValue, type: OnnxType): GraphValue {
    return this.node('Cast', [x], x.shape, { to: onnxTypes[type].code });
  }

  /** A level for each sample as [n, 1, …], with `rank` sizes in all; of rank 0 for one sample alone. */
  levels(level: GraphValue, rank: number): GraphValue {
    if (rank === 0) return this.node('Squeeze', [level], []);
    return this.reshapeAll(level, [-1, ...new Array<number>(rank - 1).fill(1)]);
  }

  /** What holds a feature map of that shape for each sample, whatever its own. */
  featureMapOf(x: GraphValue, shape: readonly [number, number, number]): GraphValue {
    return this.reshape(x, shape);
  }

  /** The numbers of one-hot classes, [n, count]: a level; `count` where there is none. */
  classNumbers(oneHot: GraphValue): GraphValue {
    const [count] = oneHot.shape as [number];
    const offsets = Float32Array.from({ length: count }, (_, k) => k - count);
    const column = this.node('MatMul', [oneHot, this.constant(offsets, [count, 1])], [1]);
    return this.affine(this.reshapeAll(column, [-1]), 1, count);
  }

  override model(outputs: Readonly<Record<string, GraphValue>>, integers: readonly string[] = []): OnnxModel {
    const { irVersion, opsets, functions, initializers } = this.file;
    const model = super.model(outputs, integers);
    return {
      ...model,
      opset: opsets.get('')!,
      initializers: [...model.initializers, ...initializers.map((one) => this.initializerOf(one))],
      foreign: { irVersion, opsets, functions },
    };
  }

  private initializerOf({ name, type, shape, elements }: OnnxFileTensor): OnnxInitializer | Uint8Array {
    if ('encoded' in elements) return tensorWithPrefix(elements.encoded, PREFIX);
    return { name: PREFIX + name, type: type!, shape, data: () => this.read(elements.stored) };
  }
}
