import {
  type DecodedOnnx,
  engineFault,
  ModelError,
  type OnnxConstant,
  type OnnxElements,
  type OnnxNode,
} from '@fewstep/models';
import * as tf from '@tensorflow/tfjs-core';
import { arithmetic } from './arithmetic.js';
import { Attributes } from './attributes.js';
import { featureMaps, filters } from './feature-maps.js';
import type { Operator } from './operator.js';
import { microsoft, products } from './products.js';
import { shapes } from './shapes.js';

/** A graph as what is done one after another. Constants are on the backend that was in use. */
export interface Program {
  readonly steps: readonly Step[];
  readonly constants: ReadonlyMap<string, tf.Tensor>;
}

/** One operation of a graph. */
interface Step {
  readonly node: OnnxNode;
  readonly apply: ReturnType<Operator>;
  /** What it gets, values or constants by name; undefined for an input that is left out. */
  readonly inputs: readonly (string | undefined)[];
  /** The values that nobody needs after it. */
  readonly last: readonly string[];
}

const domains: Readonly<Record<string, Readonly<Record<string, Operator>>>> = {
  '': { ...arithmetic, ...shapes, ...products, ...featureMaps },
  'com.microsoft': microsoft,
};
/** In which layout an operator takes its second input. */
const layouts: Readonly<Record<string, (weight: tf.Tensor) => tf.Tensor>> = filters;

/** Versions of ONNX's operators whose meaning is the one here. */
const OPSETS = { from: 13, to: 21 };
const remedy = 'ONNX Runtime, as the device cpu, knows them all';

/**
 * Makes a graph ready to run, its constants as they are needed: a weight whose layout is turned is held as such alone.
 *
 * @throws ModelError `E_ENGINE` for operators and attributes that are not known, `E_ONNX` for values that are defined
 *   nowhere, later or twice
 */
export function prepare({ opset, nodes, constants: given, inputs, outputs }: DecodedOnnx): Program {
  if (opset < OPSETS.from || opset > OPSETS.to)
    throw engineFault(
      `TF.js runs ONNX's operators as in opset ${OPSETS.from} to ${OPSETS.to}, not ${opset}; ${remedy}`,
      { opset },
    );
  const kernels = nodes.map(kernelOf);
  const sources = new Map(given.map((one) => [one.name, one]));
  const constants = new Map<string, tf.Tensor>();
  const constant = (one: OnnxConstant, turn?: (weight: tf.Tensor) => tf.Tensor): string => {
    const key = turn ? `${one.name}, turned` : one.name;
    if (!constants.has(key))
      constants.set(
        key,
        tf.tidy(() => tf.keep((turn ?? tf.clone)(tensorOf(one.data(), one.shape)))),
      );
    return key;
  };

  const defined = new Set(inputs);
  const define = (name: string) => {
    if (defined.has(name) || sources.has(name)) throw broken(`"${name}" is defined twice`, name);
    defined.add(name);
  };
  const demand = (name: string) => {
    if (!defined.has(name))
      throw broken(`"${name}" is needed before it is defined, or is defined nowhere`, name);
  };
  const lastUse = new Map<string, number>();
  try {
    const linked = nodes.map((node, at) => {
      const turn = layouts[node.op];
      const kernel = kernels[at]!;
      let apply = kernel;
      const names = node.inputs.map((name, index) => {
        if (name === '') return undefined;
        const source = sources.get(name);
        if (source) return constant(source, index === 1 ? turn : undefined);
        demand(name);
        lastUse.set(name, at);
        if (index === 1 && turn) apply = (x, weight, ...rest) => kernel(x!, turn(weight!), ...rest);
        return name;
      });
      for (const name of node.outputs) {
        define(name);
        lastUse.set(name, at);
      }
      return { node, apply, inputs: names };
    });
    for (const name of outputs) {
      const source = sources.get(name);
      if (source) constant(source);
      else demand(name);
      lastUse.delete(name);
    }
    const last = nodes.map((): string[] => []);
    for (const [name, at] of lastUse) last[at]!.push(name);
    return { steps: linked.map((step, at) => ({ ...step, last: last[at]! })), constants };
  } catch (error) {
    for (const tensor of constants.values()) tensor.dispose();
    throw error;
  }
}

function kernelOf(node: OnnxNode): ReturnType<Operator> {
  return named(node, () => {
    const operators = domains[node.domain ?? ''] ?? {};
    const operator = Object.hasOwn(operators, node.op) ? operators[node.op] : undefined;
    if (!operator) throw new Error('this operator is not known');
    const attributes = new Attributes(node.attributes, node.outputs.length);
    const kernel = operator(attributes);
    attributes.end();
    const missing = Array.from({ length: kernel.length }, (_, i) => i).find((i) => !node.inputs[i]);
    if (missing !== undefined) throw new Error(`it has no input ${missing}`);
    return kernel;
  });
}

/** Does something for a node; what fails says for which. */
export function named<T>(node: OnnxNode, does: () => T): T {
  try {
    return does();
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    const { op, domain } = node;
    const what = domain ? `${domain}.${op}` : op;
    throw engineFault(
      `TF.js can't do ${what} (node "${node.outputs[0]}"): ${(cause as Error).message}. ONNX Runtime may: it is the device cpu`,
      { op: what, node: node.outputs[0] },
      cause,
    );
  }
}

const SMALLEST = -(2 ** 31);
const LARGEST = 2 ** 31 - 1;

/** int64 becomes int32; what is beyond stands for an end, as in slices. */
export function tensorOf(data: OnnxElements, shape: readonly number[]): tf.Tensor {
  if (!(data instanceof BigInt64Array))
    return tf.tensor(
      data,
      [...shape],
      data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool',
    );
  const narrow = Int32Array.from(data, (n) => Math.min(LARGEST, Math.max(SMALLEST, Number(n))));
  return tf.tensor(narrow, [...shape], 'int32');
}

const broken = (message: string, name: string) =>
  new ModelError('E_ONNX', `no ONNX model that can be run: ${message}`, { name });
