import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { type Tensor, type Tensors, toFloat32 } from '../files/tensor.js';
import { encodeOnnx } from '../onnx/onnx-model.js';
import { OnnxOps } from '../onnx/onnx-ops.js';
import { resampledConv, unetBlock } from './unet-block.js';

/** A layer of EDM's networks by its class, with the options that it was made with. */
export interface EdmLayer {
  readonly class: string;
  readonly options: {
    readonly in_channels: number;
    readonly out_channels: number;
    readonly emb_channels?: number;
    readonly kernel?: number;
    readonly bias?: boolean;
    readonly up?: boolean;
    readonly down?: boolean;
    readonly attention?: boolean;
    readonly num_heads?: number | null;
    readonly channels_per_head?: number;
    readonly skip_scale?: number;
    readonly eps?: number;
    readonly resample_filter?: readonly number[];
    readonly resample_proj?: boolean;
    readonly adaptive_scale?: boolean;
    readonly fused_resample?: boolean;
    readonly dropout?: number;
  };
}

/** What ONNX Runtime makes of a batch with one layer alone; weights by their names within it. */
export async function runEdmLayer(
  layer: EdmLayer,
  weights: Tensors,
  { x, emb }: { x: Tensor; emb?: Tensor | undefined },
): Promise<{ shape: readonly number[]; data: Float32Array }> {
  const { options } = layer;
  const zeros = {
    dtype: 'F32',
    shape: [options.out_channels],
    data: new Float32Array(options.out_channels),
  } as const;
  // the networks' own convolutions all have a bias
  const own = options.bias === false ? { ...weights, bias: zeros } : weights;
  const ops = new OnnxOps(Object.fromEntries(Object.entries(own).map(([name, one]) => [`u.${name}`, one])));
  const input = ops.input('x', x.shape.slice(1));
  const embedding = emb && ops.input('emb', emb.shape.slice(1));
  const filter = options.resample_filter ?? [1, 1];
  const shape = {
    in: options.in_channels,
    out: options.out_channels,
    resample: options.up ? 'up' : options.down ? 'down' : undefined,
  } as const;
  const make = {
    Conv2d: () => {
      const { kernel = 0, fused_resample: fused = false } = options;
      return resampledConv(ops, 'u', { ...shape, kernel, filter, fused }, input);
    },
    UNetBlock: () => {
      const style = {
        embedding: options.emb_channels!,
        eps: options.eps ?? 1e-5,
        skipScale: options.skip_scale ?? 1,
        adaptiveScale: options.adaptive_scale ?? true,
        projectResampled: options.resample_proj ?? false,
        filter,
        heads: (channels: number) =>
          options.num_heads ?? Math.floor(channels / (options.channels_per_head ?? 64)),
      };
      return unetBlock(
        ops,
        'u',
        style,
        { ...shape, attention: options.attention ?? false },
        input,
        embedding!,
      );
    },
  };
  if (!Object.hasOwn(make, layer.class)) throw new Error(`no layer of class "${layer.class}" is known`);
  const y = make[layer.class as keyof typeof make]();
  const session = await InferenceSession.create(encodeOnnx(ops.model({ y })).graph);
  const feed = (one: Tensor) => new OrtTensor('float32', toFloat32(one), one.shape);
  const { y: found } = await session.run({ x: feed(x), ...(emb && { emb: feed(emb) }) });
  await session.release();
  return { shape: found!.dims, data: found!.data as Float32Array };
}
