import type { Tensor } from '@tensorflow/tfjs-core';
import type { Attributes } from './attributes.js';

/**
 * An ONNX operator in TF.js: from a node's attributes, what it does to its inputs. The function names as many parameters
 * as the operator demands inputs, and takes optional ones from the rest, undefined where they are left out.
 *
 * Layouts are ONNX's, so feature maps are [n, channels, height, width]. ONNX's int64 is TF.js's int32.
 */
export type Operator = (attributes: Attributes) => (...inputs: Tensor[]) => Tensor | readonly Tensor[];

/** The elements of a small tensor of integers, as shapes and axes are. */
export const integers = (x: Tensor): number[] => Array.from(x.dataSync());

/** An axis counted from the first one. */
export const axisOf = (axis: number, { rank }: Tensor): number => (axis < 0 ? axis + rank : axis);
