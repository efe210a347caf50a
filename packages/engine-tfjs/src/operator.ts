import { type Tensor, util } from '@tensorflow/tfjs-core';
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

/** An axis counted from the first one. @throws Error where there is none such */
export function axisOf(axis: number, { rank }: Tensor): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!(Number.isInteger(at) && at >= 0 && at < rank)) throw new Error(`there is no axis ${axis} of ${rank}`);
  return at;
}

const MANY = 2 ** 22;
const MAX_GROWTH = 1024;

/**
 * Lets an operator make a tensor of that shape of `x`. Damaged numbers ask for hours; no network makes a thousand times
 * as many elements, once they are millions.
 */
export function checkGrowth(x: Tensor, shape: readonly number[]): void {
  const size = util.sizeFromShape([...shape]);
  if (size > MANY && size > MAX_GROWTH * x.size) throw new Error(`it would make [${shape}] of [${x.shape}]`);
}
