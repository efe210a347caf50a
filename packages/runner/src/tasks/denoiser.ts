import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  exportDecoder,
  exportDenoiser,
  exportTextEncoder,
  readCheckpoint,
} from '@fewstep/models';
import { RunnerError } from '../errors.js';
import type { NetworkConfig } from '../spec/experiment.js';
import type { TaskContext, TaskResult } from './task-module.js';

export interface DenoiserParams {
  readonly network?: NetworkConfig;
  /** Must be the model's to have; cg is made part of the graph. */
  readonly guidance?: { readonly type: 'cg'; readonly rate: number } | { readonly type: 'cfg' | 'uncond' };
}

/**
 * A checkpoint of any family as an ONNX graph with preconditioning inside, and what it takes and gives; of latent
 * diffusion its decoder and text encoder, too.
 */
export async function run({ params, inputs, dir }: TaskContext<DenoiserParams>): Promise<TaskResult> {
  const { network, guidance } = params;
  const classifier = inputs.classifier?.[0];
  const checkpoint = await readCheckpoint(inputs.checkpoint![0]!, {
    ...network,
    ...(classifier !== undefined && { classifier }),
  });
  checkGuidance(checkpoint, guidance?.type);
  const files: Record<string, string> = {};
  const write = async (output: string, file: string, content: Parameters<typeof writeFile>[1]) => {
    await writeFile(join(dir, file), content);
    files[output] = file;
  };
  const settings = guidance?.type === 'cg' ? { guidanceRate: guidance.rate } : {};
  const { graph, external, info } = exportDenoiser(checkpoint, settings);
  await write('graph', 'denoiser.onnx', graph);
  if (external) await write('weights', external.name, external.parts);
  if (checkpoint.family !== 'ldm') {
    await write('info', 'info.json', JSON.stringify(info));
    return { files, meta: {} };
  }
  const decoder = exportDecoder(checkpoint);
  await write('decoder', 'decoder.onnx', decoder.graph);
  const textEncoder = checkpoint.textEncoder && exportTextEncoder(checkpoint);
  if (textEncoder) await write('text_encoder', 'text-encoder.onnx', textEncoder.graph);
  const infos = { ...info, decoder: decoder.info, textEncoder: textEncoder?.info };
  await write('info', 'info.json', JSON.stringify(infos));
  return { files, meta: {} };
}

/** @throws RunnerError (E_MODEL) for guidance that the model has not, or a model that can't do without */
function checkGuidance(checkpoint: Checkpoint, type: 'cg' | 'cfg' | 'uncond' | undefined): void {
  const has = guidanceOf(checkpoint);
  if (type === has || (type === undefined && has !== 'cfg')) return;
  const remedy =
    has === undefined ? 'remove guidance' : `take ${has}${has === 'cfg' ? ' with a prompt' : ''}`;
  throw new RunnerError(
    'E_MODEL',
    type === undefined
      ? 'the dataset’s network draws what it is told: add guidance: { type: cfg, prompt: … }.'
      : `guidance.type is ${type}, but the dataset’s network has no such guidance: ${remedy}.`,
    { evidence: { guidance: type, has } },
  );
}

function guidanceOf(checkpoint: Checkpoint): 'cg' | 'cfg' | 'uncond' | undefined {
  if (checkpoint.family === 'ldm') return checkpoint.textEncoder ? 'cfg' : 'uncond';
  return checkpoint.family === 'adm' && checkpoint.classifier ? 'cg' : undefined;
}
