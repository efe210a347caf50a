import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCheckpoint } from '../checkpoints/read-checkpoint.js';
import { writeSafetensors } from '../files/safetensors.js';
import { inspectCheckpoint } from '../inspect-checkpoint.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fewstep-'));
});
afterAll(() => rm(folder, { recursive: true }));

const UNET = 'model.diffusion_model.input_blocks.0.0.weight';
const DECODER = 'first_stage_model.decoder.conv_in.weight';

it.each([
  [
    'stable-diffusion-2',
    [UNET, DECODER, 'cond_stage_model.model.transformer.resblocks.0.ln_1.weight'],
    /in diffusers’ layout/,
  ],
  [
    'stable-diffusion-xl',
    [UNET, DECODER, 'conditioner.embedders.0.transformer.text_model.final_layer_norm.bias'],
    /it is Stable Diffusion XL, which is not read; read are Stable Diffusion v1/,
  ],
  ['stable-diffusion-xl', [UNET, 'conditioner.embedders.0.model.ln_final.bias'], /Stable Diffusion XL/],
  ['latent-diffusion-of-classes', [UNET, DECODER, 'cond_stage_model.embedding.weight'], /cin256-v2/],
  [
    'latent-diffusion-with-bert',
    [UNET, DECODER, 'cond_stage_model.transformer.token_emb.weight'],
    /txt2img-f8-large/,
  ],
  ['control-net', ['control_model.input_blocks.0.0.weight', UNET], /a ControlNet/],
  [
    'control-net',
    ['controlnet_cond_embedding.conv_in.weight', 'conv_in.weight', 'time_embedding.linear_1.weight'],
    /a ControlNet/,
  ],
  [
    'stable-diffusion-3',
    ['model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight'],
    /Stable Diffusion 3/,
  ],
  ['flux', ['double_blocks.0.img_attn.qkv.weight'], /Flux/],
  [
    'first-stage',
    ['decoder.up.0.block.0.conv1.weight', 'post_quant_conv.weight', 'decoder.conv_in.weight'],
    /this one as its first_stage/,
  ],
  [
    'diffusers-vae',
    ['decoder.up_blocks.0.resnets.0.conv1.weight', 'decoder.conv_in.weight', 'post_quant_conv.weight'],
    /as the first_stage of another/,
  ],
  ['lora', ['lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight'], /merge it into that model/],
  ['lora', ['unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight'], /a LoRA/],
  ['textual-inversion', ['emb_params'], /a textual inversion/],
  ['open-clip', ['transformer.resblocks.0.attn.in_proj_weight', 'token_embedding.weight'], /OpenCLIP/],
  ['motion-module', ['down_blocks.0.motion_modules.0.temporal_transformer.norm.weight'], /a motion module/],
])('is named and refused: %s by %j', async (family, names, message) => {
  const path = join(folder, 'a.safetensors');
  const one = { dtype: 'F32', shape: [1], data: new Float32Array(1) } as const;
  await writeFile(path, writeSafetensors(Object.fromEntries(names.map((name) => [name, one]))));
  await expect(readCheckpoint(path)).rejects.toMatchObject({
    code: 'E_CHECKPOINT',
    message: expect.stringMatching(message),
    evidence: { path, family },
  });
  expect(await inspectCheckpoint(path)).toMatchObject({ family });
});
