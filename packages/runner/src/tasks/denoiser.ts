import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  exportDecoder,
  exportDenoiser,
  exportTextEncoder,
  readCheckpoint,
} from '@fewstep/models';
import type { CheckpointValues, GuidanceName } from '@fewstep/models/families';
import type { ResultOf, Run } from '@fewstep/taskgraph';
import { RunnerError } from '../errors.js';
import type { OnnxConfig } from '../experiment/experiment.js';
import { importOnnx } from './import-onnx.js';
import type { denoiser as kind } from './kinds.js';
import { isPictured, type ModelInfo } from './model-info.js';

export interface DenoiserParams {
  readonly network?: CheckpointValues;
  /** Of a checkpoint that is ONNX; weights may be in files beside it. */
  readonly onnx?: OnnxConfig;
  /** Of the latents of its decoder, where it has one. */
  readonly scaleFactor?: number;
  /** Must be the model's to have; of one that is made part of the graph, its rate. */
  readonly guidance?: { readonly type: GuidanceName; readonly rate?: number };
}

/** Files that graphs are written to, by the task's output. */
const graphs = {
  graph: 'denoiser.onnx',
  decoder: 'decoder.onnx',
  text_encoder: 'text-encoder.onnx',
} as const;

type Files = ResultOf<typeof kind>['files'];

interface Exported<Info> {
  readonly graph: Uint8Array;
  /** Weights beside it, which only a denoiser may have. */
  readonly external?: { readonly name: string; readonly parts: Iterable<Uint8Array> };
  readonly info: Info;
}

/**
 * A checkpoint of any family as an ONNX graph with preconditioning inside, and what it takes and gives; of latent
 * diffusion its decoder and text encoder, too.
 */
export const run: Run<typeof kind> = async ({ params, inputs, dir }) => {
  const { network, onnx, scaleFactor, guidance } = params;
  const files: { -readonly [Name in keyof Files]: Files[Name] } = { graph: graphs.graph, info: 'info.json' };
  const write = async (output: keyof Files, file: string, content: Parameters<typeof writeFile>[1]) => {
    await writeFile(join(dir, file), content);
    files[output] = file;
  };
  const put = async <Info>(output: keyof typeof graphs, { graph, external, info }: Exported<Info>) => {
    await write(output, graphs[output], graph);
    if (external) await write('weights', external.name, external.parts);
    return info;
  };
  const finish = async (info: ModelInfo): Promise<ResultOf<typeof kind>> => {
    checkPictured(info);
    const solvedAt = info.noiseLevels?.filter((level) => level > 0);
    await write('info', 'info.json', JSON.stringify({ ...info, ...(solvedAt && { solvedAt }) }));
    return { files, meta: info.bottleneck ? {} : { bottleneck: false } };
  };
  const { checkpoint: path, text_encoder, decoder: decoderFile, ...others } = inputs;
  if (onnx) {
    const parts = { textEncoder: text_encoder, decoder: decoderFile, scaleFactor };
    const { denoiser, decoder, textEncoder } = await importOnnx(path, onnx, parts);
    return finish({
      ...(await put('graph', denoiser)),
      ...(decoder && { decoder: await put('decoder', decoder) }),
      ...(textEncoder && { textEncoder: await put('text_encoder', textEncoder) }),
    });
  }
  const beside = Object.fromEntries(Object.entries(others).filter(([, file]) => file !== undefined));
  const checkpoint = await readCheckpoint(path, { ...network, ...beside });
  checkGuidance(checkpoint, guidance?.type);
  const settings = guidance?.rate === undefined ? {} : { guidanceRate: guidance.rate };
  return finish({
    ...(await put('graph', exportDenoiser(checkpoint, settings))),
    ...(checkpoint.decoder && { decoder: await put('decoder', exportDecoder(checkpoint)) }),
    ...(checkpoint.textEncoder && { textEncoder: await put('text_encoder', exportTextEncoder(checkpoint)) }),
  });
};

/** @throws RunnerError (E_MODEL) for a model whose samples nobody could look at, before any is drawn */
function checkPictured({ channels, decoder }: ModelInfo): void {
  const { imageChannels = channels } = decoder ?? {};
  if (isPictured(imageChannels)) return;
  throw new RunnerError(
    'E_MODEL',
    `the dataset’s ${decoder ? 'decoder gives' : 'network denoises'} ${imageChannels} channels, and a picture has 1 (grey) or 3 (RGB): ${decoder ? 'take the one of its pictures' : 'if these are latents, name what decodes them, of an ONNX file as onnx.decoder'}.`,
    { evidence: { channels: imageChannels } },
  );
}

/** @throws RunnerError (E_MODEL) for guidance that the model has not, or a model that can't do without */
function checkGuidance({ guidance: has, textEncoder }: Checkpoint, type: Checkpoint['guidance']): void {
  if (type === has || (type === undefined && !textEncoder)) return;
  const remedy = has === undefined ? 'remove guidance' : `take ${has}${textEncoder ? ' with a prompt' : ''}`;
  throw new RunnerError(
    'E_MODEL',
    type === undefined
      ? 'the dataset’s network draws what it is told: add guidance: { type: cfg, prompt: … }.'
      : `guidance.type is ${type}, but the dataset’s network has no such guidance: ${remedy}.`,
    { evidence: { guidance: type, has } },
  );
}
