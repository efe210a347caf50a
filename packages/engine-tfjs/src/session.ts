import {
  decodeGraph,
  type OnnxOutput,
  type OnnxSession,
  type OnnxSignature,
  onnxSession,
} from '@fewstep/models';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend, useBackend } from './backend.js';
import { named, prepare, tensorOf } from './program.js';
import type { TensorBackend } from './tensor-backends.js';

/**
 * Opens a graph in TF.js: its nodes one after another, in float32, on a backend that is installed.
 *
 * A run holds the process until it is done, and frees what it made.
 *
 * @throws ModelError `E_ENGINE` when the backend is not there, the graph has other names than `signature`, or an
 *   operator or attribute that is not known; `E_ONNX` when it can't be read
 */
export async function openTensorSession(
  graph: string | Uint8Array,
  signature: OnnxSignature,
  wanted?: TensorBackend,
): Promise<OnnxSession> {
  const backend = await openBackend(wanted);
  const { steps, constants } = prepare(decodeGraph(graph, signature));
  return onnxSession(signature.what, {
    async run(inputs, n) {
      useBackend(backend);
      const results: Record<string, OnnxOutput> = {};
      tf.tidy(() => {
        const values = new Map<string, tf.Tensor>();
        const find = (name: string) => values.get(name) ?? constants.get(name)!;
        for (const [name, { data, shape }] of Object.entries(inputs))
          values.set(name, tensorOf(data, [n, ...shape]));
        for (const { node, apply, inputs: names, last } of steps) {
          const given = names.map((name) => (name === undefined ? undefined : find(name))) as tf.Tensor[];
          const outputs = named(node, () => {
            const found = tf.tidy(() => [apply(...given)].flat() as tf.Tensor[]);
            if (found.length !== node.outputs.length)
              throw new Error(`it has ${found.length} outputs, not ${node.outputs.length}`);
            return found;
          });
          for (const [i, name] of node.outputs.entries()) values.set(name, outputs[i]!);
          for (const name of last) values.get(name)!.dispose();
        }
        for (const name of signature.outputs) results[name] = arrayOf(find(name));
      });
      return results;
    },
    async close() {
      for (const tensor of constants.values()) tensor.dispose();
    },
  });
}

function arrayOf(x: tf.Tensor): OnnxOutput {
  const data = x.dataSync();
  return x.dtype === 'float32' ? Float32Array.from(data) : BigInt64Array.from(data, BigInt);
}
