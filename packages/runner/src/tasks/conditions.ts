import { type Device, openTextEncoder, openTokenizer } from '@fewstep/models';
import type { Run } from '@fewstep/taskgraph';
import { writeTensors } from './artifacts.js';
import type { conditions as kind } from './kinds.js';
import { readInfo } from './model-info.js';
import { placeTensor } from './prompt-place.js';

/**
 * Prompts as a network is told them: float32 [1 + prompts, positions, width], that of the empty prompt first. Of a part of a
 * list also where it stands, [first, of].
 */
export const run: Run<typeof kind> = async ({ params, inputs, dir, device }) => {
  const { textEncoder } = await readInfo(inputs);
  if (!textEncoder) throw new Error('a model with a text encoder says so in its info');
  if (params.prompts.length === 0) throw new Error('prompts are known once their file is there');
  const { positions, width } = textEncoder;
  const tokenizer = await openTokenizer(inputs.tokenizer);
  const encoder = await openTextEncoder(inputs.text_encoder, textEncoder, { device: device as Device });
  const prompts = ['', ...params.prompts];
  const data = new Float32Array(prompts.length * positions * width);
  for (const [i, prompt] of prompts.entries())
    data.set(await encoder.encode([tokenizer.encode(prompt, positions)]), i * positions * width);
  await encoder.close();
  const conditions = await writeTensors(dir, 'conditions.safetensors', {
    conditions: { dtype: 'F32', shape: [prompts.length, positions, width], data },
    ...placeTensor(params),
  });
  return { files: { conditions }, meta: { prompts: params.prompts.length } };
};
