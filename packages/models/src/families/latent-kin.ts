import { hasTensors, type Look } from './family.js';
import type { Part } from './part.js';

const namesOf = ({ tensors }: Look): readonly string[] => Object.keys(tensors);
const starts =
  (...beginnings: readonly string[]) =>
  (look: Look): boolean =>
    namesOf(look).some((name) => beginnings.some((beginning) => name.startsWith(beginning)));
const matches = (pattern: RegExp) => (look: Look) => namesOf(look).some((name) => pattern.test(name));

/** A tensor that every model of the kind has. */
export const FIRST_OF_MODEL = 'model.diffusion_model.input_blocks.0.0.weight';
/** A tensor that every first stage has. */
export const FIRST_OF_STAGE = 'post_quant_conv.weight';

const hasUNet = hasTensors(FIRST_OF_MODEL);

/** Any model of the kind, or a first stage by itself: what keeps its averaged weights within, under names of their own. */
export const isOfLatents = (look: Pick<Look, 'tensors'>): boolean =>
  hasUNet(look) || hasTensors(FIRST_OF_STAGE)(look);

const isModel = (isOf: (look: Look) => boolean) => (look: Look) => hasUNet(look) && isOf(look);

const others =
  'read are Stable Diffusion v1 in one file, latent diffusion without prompts, and Stable Diffusion 1.x and 2.x in diffusers’ layout';

/** A whole model that is told by its names, and is not read. */
const model = (name: string, isOf: (look: Look) => boolean, what: string, instead = others): Part => ({
  name,
  isOf,
  remedy: `it is ${what}, which is not read; ${instead}`,
});

/** Whole models of latent diffusion's kin that are not read, by names that only they have. */
export const unreadModels: readonly Part[] = [
  model('control-net', starts('control_model.', 'input_hint_block.', 'controlnet_'), 'a ControlNet'),
  model('stable-diffusion-xl', isModel(starts('conditioner.embedders.')), 'Stable Diffusion XL'),
  model(
    'stable-diffusion-2',
    isModel(starts('cond_stage_model.model.')),
    'Stable Diffusion 2.x in one file',
    'such a file does not show whether its network predicts noise or a velocity: take the same model in diffusers’ layout, a folder with unet, vae, text_encoder and scheduler',
  ),
  model(
    'latent-diffusion-of-classes',
    isModel(hasTensors('cond_stage_model.embedding.weight')),
    'latent diffusion that is told classes, such as cin256-v2',
  ),
  model(
    'latent-diffusion-with-bert',
    isModel(starts('cond_stage_model.transformer.attn_layers.', 'cond_stage_model.transformer.token_emb.')),
    'latent diffusion with a text encoder of its own, such as txt2img-f8-large',
  ),
  model('stable-diffusion-3', starts('model.diffusion_model.joint_blocks.'), 'Stable Diffusion 3'),
  model('flux', starts('model.diffusion_model.double_blocks.', 'double_blocks.'), 'a network of Flux’s kind'),
];

/** Parts of such models, and what is laid over them. */
export const latentParts: readonly Part[] = [
  {
    name: 'first-stage',
    isOf: hasTensors('decoder.up.0.block.0.conv1.weight', FIRST_OF_STAGE),
    remedy:
      'it is a first stage (VAE), which denoises nothing: name the model’s file as checkpoint, and this one as its first_stage',
  },
  {
    name: 'lora',
    isOf: matches(/^lora_(?:unet|te)|\.lora_(?:A|B|up|down)\.|\.lora\.(?:up|down)\.|\.processor\..*_lora\./),
    remedy:
      'it is a LoRA, changes to the weights of another model: merge it into that model where it was made, and name the merged file',
  },
  {
    name: 'textual-inversion',
    isOf: (look) => hasTensors('emb_params')(look) || hasTensors('string_to_param')(look),
    remedy: 'it is a textual inversion, tokens for another model’s text encoder, which is not read',
  },
  {
    name: 'open-clip',
    isOf: hasTensors('transformer.resblocks.0.attn.in_proj_weight', 'token_embedding.weight'),
    remedy:
      'it is OpenCLIP, of which Stable Diffusion 2.x has the text encoder; name the folder of the model',
  },
  {
    name: 'motion-module',
    isOf: matches(/(?:^|\.)motion_modules\./),
    remedy: 'it is a motion module, which makes videos of another model’s pictures, and is not read',
  },
];
