import type { NoiseTable } from '@fewstep/schedules';
import { RunnerError } from '../errors.js';
import { textOf } from '../sampler/sampler-file.js';
import { type Exported, type Exporting, levelsOf, percent, untold } from './exporting.js';
import { pythonTable } from './python-table.js';
import { comfyuiSolvers, fixedDecimal, type SigmaList, sigmaList } from './sigma-list.js';

/**
 * A sampler for ComfyUI: a custom node in one file, which gives SAMPLER and SIGMAS, and a workflow with it, in the form of its
 * API. A table that is a solver of ComfyUI under noise levels of its own has a second workflow that needs no custom node:
 * KSamplerSelect and ManualSigmas.
 *
 * - Source: SamplerCustom, ManualSigmas (December 2025), KSAMPLER and ModelSamplingDiscrete of ComfyUI.
 */
export function comfyuiFiles(what: Exporting): Exported {
  const { sampler, name, noise } = what;
  const { table, model, guidance } = sampler;
  if (!model.latents && !noise)
    throw new RunnerError(
      'E_SAMPLER',
      `ComfyUI samples latents, and this sampler was made for pixels${model.dataset === undefined ? '' : ` (${model.dataset})`}: --to diffusers or json has it; --model ms_coco says that it is meant for Stable Diffusion, if it is.`,
      { evidence: { target: 'comfyui', latents: false } },
    );
  const list = sigmaList(table, comfyuiSolvers);
  const cfg = guidance?.type === 'cfg' ? (guidance.rate ?? 1) : 1;
  const notes = [
    ...untold(what, 'nothing holds its levels against those that ComfyUI has'),
    ...(noise ? [rounding(table.sigmas, levelsOf(noise))] : []),
    ...(list ? [listLoss(list, noise)] : []),
  ];
  return {
    files: {
      [`fewstep_${name}.py`]: node(name, sampler, notes),
      'workflow.json': workflow(
        cfg,
        { sampler: ['sampler', 0], sigmas: ['sampler', 1] },
        {
          sampler: { class_type: nodeId(name), inputs: {} },
        },
      ),
      ...(list && { 'workflow-sigmas.json': sigmasWorkflow(cfg, list) }),
    },
    notes,
  };
}

const nodeId = (name: string) => `Fewstep_${name}`;

/** What ModelSamplingDiscrete makes of noise levels: the nearest of the network's own, in log σ. */
function rounding(sigmas: readonly number[], levels: readonly number[]): string {
  const apart = sigmas.map((sigma) => Math.min(...levels.map((level) => Math.abs(Math.log(level / sigma)))));
  return `ComfyUI tells a network in discrete times the nearest of its ${levels.length}: the σ told are up to ${percent(Math.max(...apart))} off.`;
}

/** What ManualSigmas and KSAMPLER make of a list. */
function listLoss({ sigmas }: SigmaList, noise: NoiseTable | undefined): string {
  const first = sigmas[0]!;
  const isMost = noise && first > noise.sigmaMax * (1 - 1e-5);
  const scaled = isMost
    ? `, and where a list begins at the σ_max of its model it scales noise by √(1 + σ²) instead of σ, here ${percent(Math.sqrt(1 + first ** -2) - 1)} more; the custom node has it as here`
    : '';
  return `workflow-sigmas.json is lossy: ComfyUI takes σ as float32${scaled}.`;
}

/** What a sampler is connected to; Stable Diffusion's nodes, whose checkpoint and prompts are the user's to fill in. */
function workflow(
  cfg: number,
  connected: { readonly sampler: unknown; readonly sigmas: unknown },
  nodes: Readonly<Record<string, object>>,
): string {
  const whole = {
    checkpoint: {
      class_type: 'CheckpointLoaderSimple',
      inputs: { ckpt_name: 'v1-5-pruned-emaonly.safetensors' },
    },
    positive: { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['checkpoint', 1] } },
    negative: { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['checkpoint', 1] } },
    latent: { class_type: 'EmptyLatentImage', inputs: { width: 512, height: 512, batch_size: 1 } },
    ...nodes,
    sample: {
      class_type: 'SamplerCustom',
      inputs: {
        model: ['checkpoint', 0],
        add_noise: true,
        noise_seed: 0,
        cfg,
        positive: ['positive', 0],
        negative: ['negative', 0],
        ...connected,
        latent_image: ['latent', 0],
      },
    },
    decode: { class_type: 'VAEDecode', inputs: { samples: ['sample', 0], vae: ['checkpoint', 2] } },
    save: { class_type: 'SaveImage', inputs: { images: ['decode', 0], filename_prefix: 'fewstep' } },
  };
  return `${textOf(whole)}\n`;
}

const sigmasWorkflow = (cfg: number, { solver, sigmas }: SigmaList) =>
  workflow(
    cfg,
    { sampler: ['solver', 0], sigmas: ['sigmas', 0] },
    {
      solver: { class_type: 'KSamplerSelect', inputs: { sampler_name: solver } },
      // it finds digits and points, and reads no exponent
      sigmas: { class_type: 'ManualSigmas', inputs: { sigmas: sigmas.map(fixedDecimal).join(', ') } },
    },
  );

/** A text or list of numbers as Python has it, too: JSON's escapes are Python's, so no text of a file becomes code. */
const literal = (value: string | readonly unknown[] | null) =>
  value === null ? 'None' : JSON.stringify(value);

const node = (name: string, { table, model, source }: Exporting['sampler'], notes: readonly string[]) =>
  `"""A sampler as a table, for ComfyUI. Generated by fewstep: use, change and pass it on as you like.

Put this file into custom_nodes. Its node gives SAMPLER and SIGMAS, both for SamplerCustom or SamplerCustomAdvanced. With z
the noise and D_k the network's answer to x_k at LEVELS[k],

    x_k    = ROWS[k][0] z + ROWS[k][1] D_0 + ... + ROWS[k][k] D_(k-1)
    sample = ROWS[E][0] z + ROWS[E][1] D_0 + ... + ROWS[E][E] D_(E-1)

With EDGES a row may have a number for each band of spatial frequency of each of these.
"""

import functools
import math

import torch
from comfy.samplers import KSAMPLER

MADE_FOR = ${literal(model.dataset ?? model.shape.join(' × '))}
SOURCE = ${literal(source ?? null)}
NOTES = ${literal(notes)}
LEVELS = ${literal(table.sigmas)}
ROWS = ${literal(table.rows)}
EDGES = ${literal(table.bands?.edges ?? null)}


${pythonTable}


def sample_table(model, x, sigmas, extra_args=None, callback=None, disable=None):
    """x is the noise itself, since SIGMAS begins at 1: the table has the noise levels."""
    if len(sigmas) != len(LEVELS) + 1 or sigmas[0] != 1:
        raise ValueError(f"connect the SIGMAS of the same node, {len(LEVELS) + 1} from 1 to 0; found {len(sigmas)} others.")
    told = x.new_ones([x.shape[0]])
    known = [x]
    for k, level in enumerate(LEVELS):
        shown = row_of(ROWS[k], known, EDGES)
        known.append(model(shown, level * told, **(extra_args or {})))
        if callback is not None:
            callback({"x": shown, "i": k, "sigma": level, "sigma_hat": level, "denoised": known[-1]})
    return row_of(ROWS[-1], known, EDGES)


class FewstepSampler:
    """For networks that predict noise, v or the image, from an empty latent; flow models have other coordinates."""

    RETURN_TYPES = ("SAMPLER", "SIGMAS")
    FUNCTION = "sampler"
    CATEGORY = "sampling/custom_sampling/samplers"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def sampler(self):
        return (KSAMPLER(sample_table), torch.linspace(1, 0, len(LEVELS) + 1))


NODE_CLASS_MAPPINGS = {${literal(nodeId(name))}: FewstepSampler}
NODE_DISPLAY_NAME_MAPPINGS = {${literal(nodeId(name))}: ${literal(`Fewstep ${name}`)}}
`;
