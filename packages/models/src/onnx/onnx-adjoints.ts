import { sizeOf } from '../files/tensor.js';
import type { AttentionShape, ConvShape } from '../networks/ops.js';
import type { Adjoints } from '../networks/reverse.js';
import { windowOf } from '../networks/window.js';
import { attentionLayout, type GraphValue, OnnxOps } from './onnx-ops.js';

/** Emits a network and its derivatives: the operations, and the adjoints of those that have one of their own. */
export class OnnxAdjoints extends OnnxOps implements Adjoints<GraphValue> {
  convAdjoint(cotangent: GraphValue, x: GraphValue, name: string, shape: ConvShape): GraphValue {
    const [height, width] = x.shape.slice(1) as [number, number];
    const { kernel, padding, stride } = windowOf(shape, [height, width]);
    const rest = [height, width].map((n, axis) => (n + 2 * padding[axis]! - kernel[axis]!) % stride);
    const inputs = [cotangent, this.weight(name, [shape.out, shape.in, ...kernel])];
    return this.node('ConvTranspose', inputs, x.shape, {
      pads: [...padding, ...padding],
      strides: [stride, stride],
      output_padding: rest,
    });
  }

  attentionAdjoint(cotangent: GraphValue, x: GraphValue, shape: AttentionShape): GraphValue {
    const { channels, heads, order } = shape;
    const perHead = channels / heads;
    const positions = sizeOf(x.shape.slice(1));
    const turned = (y: GraphValue) => this.transpose(y, [1, 0]);
    const [query, key, value] = this.queryKeyValue(x, shape);
    const shares = this.shares(query, key);
    const mixed = this.matmul(value, turned(shares));
    const g = this.reshapeAll(cotangent, [-1, perHead, positions]);

    // softmax: S ∘ (dS − Σ S dS), where the sum over keys is that of g and the result over channels
    const ones = this.filled(1, [1, perHead]);
    const sum = this.node('MatMul', [ones, this.multiply(g, mixed)], [1, positions]);
    const toShares = this.node('Sub', [this.matmul(turned(g), value), turned(sum)], shares.shape);
    const toScores = this.affine(this.multiply(shares, toShares), perHead ** -0.5, 0);
    const parts = [this.matmul(key, turned(toScores)), this.matmul(query, toScores), this.matmul(g, shares)];

    const { sizes, axis } = attentionLayout[order](channels, perHead);
    const single = sizes.map((n, d) => (d === axis - 1 ? n / 3 : n));
    const joined = this.node(
      'Concat',
      parts.map((part) => this.reshapeAll(part, [-1, ...single, positions])),
      [...sizes, positions],
      { axis },
    );
    return this.reshapeAll(joined, [-1, ...x.shape]);
  }

  prependMeanAdjoint(cotangent: GraphValue, x: GraphValue): GraphValue {
    const [channels] = x.shape as [number];
    const positions = sizeOf(x.shape.slice(1));
    const slice = [cotangent, this.ints([1]), this.ints([1 + positions]), this.ints([2])];
    const rest = this.node('Slice', slice, [channels, positions, 1]);
    return this.reshape(this.add(rest, this.affine(this.first(cotangent), 1 / positions, 0)), x.shape);
  }

  firstAdjoint(cotangent: GraphValue, x: GraphValue): GraphValue {
    const positions = sizeOf(x.shape.slice(1));
    const first = this.reshape(cotangent, [x.shape[0]!, 1]);
    const pads = this.ints([0, 0, 0, 0, 0, positions - 1]);
    return this.reshape(this.node('Pad', [first, pads], [x.shape[0]!, positions]), x.shape);
  }
}
