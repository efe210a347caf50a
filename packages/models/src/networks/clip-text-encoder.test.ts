import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { encodeOnnx } from '../onnx/onnx-model.js';
import { OnnxOps } from '../onnx/onnx-ops.js';
import { type ClipTextOptions, clipTextEncoder } from './clip-text-encoder.js';
import { recordShapes } from './parameters.js';

const EPS = 1e-5;
const shape = {
  vocab_size: 1,
  max_position_embeddings: 1,
  hidden_size: 3,
  intermediate_size: 1,
  num_hidden_layers: 1,
  num_attention_heads: 1,
};

/** One token [1, −1, 0], no attention, and an MLP that adds act(1) to its first entry. */
async function encode(options: ClipTextOptions): Promise<number[]> {
  const values: Record<string, number[]> = {
    'text_model.embeddings.token_embedding.weight': [1, -1, 0],
    'text_model.encoder.layers.0.layer_norm2.weight': [1, 1, 1],
    'text_model.encoder.layers.0.mlp.fc1.weight': [Math.sqrt(2 / 3 + EPS), 0, 0],
    'text_model.encoder.layers.0.mlp.fc2.weight': [1, 0, 0],
    'text_model.final_layer_norm.weight': [1, 1, 1],
  };
  const weights = Object.fromEntries(
    [...recordShapes((ops) => clipTextEncoder(ops, options, null))].map(([name, sizes]) => {
      const zeros = new Array<number>(sizes.reduce((a, b) => a * b, 1)).fill(0);
      return [name, { dtype: 'F32', shape: sizes, data: Float32Array.from(values[name] ?? zeros) }] as const;
    }),
  );
  const ops = new OnnxOps(weights);
  const hidden = clipTextEncoder(ops, options, ops.input('tokens', [1], 'int64'));
  const session = await InferenceSession.create(encodeOnnx(ops.model({ hidden })).graph);
  const found = await session.run({ tokens: new Tensor('int64', [0n], [1, 1]) });
  await session.release();
  return Array.from(found.hidden!.data as Float32Array);
}

// Φ(1), and the logistic function of 1.702
it.each([
  ['gelu', 0.8413447461],
  ['quick_gelu', 0.8457957],
] as const)('%s of 1 is %d', async (hidden_act, value) => {
  const x = [1 + value, -1, 0];
  const mean = value / 3;
  const deviation = Math.sqrt(x.reduce((sum, v) => sum + (v - mean) ** 2 / 3, 0) + EPS);
  const hidden = await encode({ ...shape, hidden_act });
  for (const [i, v] of x.entries()) expect(hidden[i]).toBeCloseTo((v - mean) / deviation, 5);
});
