import { type GraphValue, OnnxOps } from './onnx-ops.js';

/**
 * How images come to the size of a network.
 *
 * - `corners`: linear between the four pixels around, a pixel in the upper left corner of its square, as TensorFlow 1 has
 *   it.
 * - `centres`: the same, a pixel in the middle of its square.
 * - `bicubic`: Keys' cubic with a = −1/2, as wide as the pixels of the smaller image, so that nothing is left out where
 *   images become smaller: as Pillow's and PyTorch's with `antialias`, but neither rounded nor clamped.
 */
export type ImageResize = 'corners' | 'centres' | 'bicubic';

/** Beyond any image. */
const MAX_SIZE = 2 ** 24;

/** Beside a network's operations those that bring images to it. */
export class ImageOps extends OnnxOps {
  /** An input of images of any height and width, resized to `size` × `size`. */
  images(name: string, channels: number, size: number, resize: ImageResize): GraphValue {
    this.inputs.push({
      name,
      type: 'float32',
      shape: [this.batch, channels, 'height', 'width'],
    });
    const sizes = this.node('Shape', [name], []);
    const shape = [channels, size, size];
    if (resize === 'bicubic') {
      const rows = this.node('MatMul', [this.bicubic(sizes, 2, size), name], shape);
      const columns = this.node('Transpose', [this.bicubic(sizes, 3, size)], [], { perm: [1, 0] });
      return this.node('MatMul', [rows, columns], shape);
    }
    const kept = this.node('Gather', [sizes, this.ints([0, 1])], []);
    const wanted = this.node('Concat', [kept, this.ints([size, size])], [], { axis: 0 });
    return this.node('Resize', [name, '', '', wanted], shape, {
      mode: 'linear',
      coordinate_transformation_mode: resize === 'centres' ? 'half_pixel' : 'asymmetric',
    });
  }

  /** x/divisor, of which each channel is less its mean and over its deviation. */
  standardized(
    x: GraphValue,
    divisor: number,
    { mean, deviation }: { readonly mean: readonly number[]; readonly deviation: readonly number[] },
  ): GraphValue {
    const perChannel = (values: readonly number[]) =>
      this.constant(Float32Array.from(values), [values.length, 1, 1]);
    const scaled = this.node('Div', [x, this.scalar(divisor)], x.shape);
    const centred = this.node('Sub', [scaled, perChannel(mean)], x.shape);
    return this.node('Div', [centred, perChannel(deviation)], x.shape);
  }

  /**
   * Share [size, L] of each of the L pixels along an axis of the images in each of `size`.
   *
   * Pixel j is ((2j + 1)·size − (2i + 1)·L)/2 max(size, L) away from the middle of i, in pixels of the smaller image. Above
   * and below the fraction are whole numbers, so it is rounded once.
   */
  private bicubic(sizes: GraphValue, axis: number, size: number): GraphValue {
    const count = this.node('Gather', [sizes, this.int(axis)], []);
    const places = this.node('Range', [this.int(0), count, this.int(1)], []);
    const from = this.affine(this.float(places), 2 * size, size);
    const length = this.float(count);
    const odd = this.constant(
      Float32Array.from({ length: size }, (_, i) => 2 * i + 1),
      [size, 1],
    );
    const to = this.node('Mul', [odd, length], []);
    const unit = this.affine(this.clamp(length, size, MAX_SIZE), 2, 0);
    const distance = this.node('Div', [this.node('Abs', [this.node('Sub', [from, to], [])], []), unit], []);
    // (2 − t)²(1 − t)/2 up to 2, and up to 1 beside it (1 − t)²(2t − 1)
    const [outer, inner] = [2, 1].map((end) => this.relu(this.affine(distance, -1, end))) as [
      GraphValue,
      GraphValue,
    ];
    const product = (...factors: readonly GraphValue[]) =>
      factors.reduce((x, y) => this.node('Mul', [x, y], []));
    const weights = this.node(
      'Add',
      [
        product(outer, outer, this.affine(distance, -0.5, 0.5)),
        product(inner, inner, this.affine(distance, 2, -1)),
      ],
      [],
    );
    const total = this.node('ReduceSum', [weights, this.ints([1])], [], { keepdims: 1 });
    return this.node('Div', [weights, total], []);
  }

  private float = (x: GraphValue) => this.node('Cast', [x], [], { to: 1 });
}
