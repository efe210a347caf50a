import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  type ExportedDenoiser,
  exportDecoder,
  exportDenoiser,
  exportTextEncoder,
  readCheckpoint,
} from '@fewstep/models';
import { RunnerError } from '../errors.js';
import type { NetworkConfig, OnnxConfig } from '../spec/experiment.js';
import { importOnnx } from './import-onnx.js';
import type { ModelInfo } from './model-info.js';
import type { TaskContext, TaskResult } from './task-module.js';

export interface DenoiserParams {
  readonly network?: NetworkConfig;
  /** Of a checkpoint that is ONNX; weights in files beside it are inputs, too. */
  readonly onnx?: OnnxConfig;
  /** Must be the model's to have; cg is made part of the graph. */
  readonly guidance?: { readonly type: 'cg'; readonly rate: number } | { readonly type: 'cfg' | 'uncond' };
}

/**
 * A checkpoint of any family as an ONNX graph with preconditioning inside, and what it takes and gives; of latent
 * diffusion its decoder and text encoder, too.
 */
export async function run({ params, inputs, dir }: TaskContext<DenoiserParams>): Promise<TaskResult> {
  const { network, onnx, guidance } = params;
  const files: Record<string, string> = {};
  const write = async (output: string, file: string, content: Parameters<typeof writeFile>[1]) => {
    await writeFile(join(dir, file), content);
    files[output] = file;
  };
  const writeGraph = async ({ graph, external, info }: ExportedDenoiser) => {
    await write('graph', 'denoiser.onnx', graph);
    if (external) await write('weights', external.name, external.parts);
    return info;
  };
  const finish = async (info: ModelInfo): Promise<TaskResult> => {
    await write('info', 'info.json', JSON.stringify(info));
    return { files, meta: info.bottleneck ? {} : { bottleneck: false } };
  };
  if (onnx) return finish(await writeGraph(await importOnnx(inputs.checkpoint![0]!, onnx)));
  const classifier = inputs.classifier?.[0];
  const checkpoint = await readCheckpoint(inputs.checkpoint![0]!, {
    ...network,
    ...(classifier !== undefined && { classifier }),
  });
  checkGuidance(checkpoint, guidance?.type);
  const settings = guidance?.type === 'cg' ? { guidanceRate: guidance.rate } : {};
  const info = await writeGraph(exportDenoiser(checkpoint, settings));
  if (checkpoint.family !== 'ldm') return finish(info);
  const decoder = exportDecoder(checkpoint);
  await write('decoder', 'decoder.onnx', decoder.graph);
  const textEncoder = checkpoint.textEncoder && exportTextEncoder(checkpoint);
  if (textEncoder) await write('text_encoder', 'text-encoder.onnx', textEncoder.graph);
  return finish({
    ...info,
    decoder: decoder.info,
    ...(textEncoder && { textEncoder: textEncoder.info }),
  });
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
