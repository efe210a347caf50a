import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OnnxDescription, OnnxRole } from '@fewstep/models';
import { isPictured } from '../tasks/model-info.js';
import type { DatasetConfig } from './experiment.js';
import { type Complain, complainAt } from './grid.js';
import type { Tree } from './tree.js';

/** A dataset's ONNX files, each with the key below `dataset` that names it. */
export function onnxFilesOf({
  onnx,
  checkpoint,
  textEncoder,
  decoder,
}: DatasetConfig): readonly (readonly [key: string, file: string])[] {
  if (!onnx) return [];
  return [
    ['checkpoint', checkpoint],
    ...(textEncoder === undefined ? [] : [['onnx.text_encoder', textEncoder] as const]),
    ...(decoder === undefined ? [] : [['onnx.decoder', decoder.file] as const]),
  ];
}

/** Files beside an ONNX file that its weights are in. */
export type WeightsBeside = ReadonlyMap<string, readonly string[]>;

/**
 * Looks into the ONNX files of datasets: complains of what can't be what the spec takes it for, and tells where its weights
 * are. A file that is not there is left to `missingFiles`.
 */
export async function lookIntoOnnx(
  points: readonly { readonly dataset: DatasetConfig; readonly tree: Tree }[],
  complain: Complain,
): Promise<WeightsBeside> {
  const beside = new Map<string, readonly string[]>();
  if (points.every(({ dataset }) => !dataset.onnx)) return beside;
  const { describeOnnx, ModelError } = await import('@fewstep/models');
  const known = new Map<string, OnnxDescription | string | undefined>();
  /** What the file is; why it is not, in words; undefined where it is not there. */
  const look = (file: string, role: OnnxRole): OnnxDescription | string | undefined => {
    if (!existsSync(file)) return undefined;
    try {
      return describeOnnx(file, role);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return error.message;
    }
  };
  for (const { dataset, tree } of points) {
    const { onnx, checkpoint, textEncoder, decoder } = dataset;
    if (!onnx) continue;
    const sayAt = complainAt(tree, complain);
    const say = (key: string, sentence: string) => sayAt(`dataset.${key}`, sentence);
    const describe = (key: string, file: string, role: OnnxRole): OnnxDescription | undefined => {
      const id = JSON.stringify([file, role]);
      const found = known.has(id) ? known.get(id) : look(file, role);
      known.set(id, found);
      if (typeof found === 'string') say(key, `${found}.`);
      if (typeof found !== 'object') return undefined;
      beside.set(
        file,
        found.external.map((name) => join(dirname(file), name)),
      );
      return found;
    };
    const encoder =
      textEncoder === undefined ? undefined : describe('onnx.text_encoder', textEncoder, 'text-encoder');
    const network = describe('checkpoint', checkpoint, {
      ...onnx,
      ...(encoder?.condition && { condition: encoder.condition }),
    });
    if (network?.channels !== undefined && decoder === undefined && !isPictured(network.channels))
      say(
        'checkpoint',
        `the network denoises ${network.channels} channels, and a picture has 1 (grey) or 3 (RGB): if these are latents, add what decodes them as onnx.decoder, with its scale_factor.`,
      );
    if (decoder !== undefined) describe('onnx.decoder', decoder.file, 'decoder');
    if (network?.condition && textEncoder === undefined)
      say(
        'checkpoint',
        'the network attends to a prompt, and nothing encodes it: add its text encoder as onnx.text_encoder, and guidance: { type: cfg, prompt: … }; or export it with the condition inside.',
      );
    if (network && !network.condition && textEncoder !== undefined)
      say(
        'onnx.text_encoder',
        'the network attends to no prompt: remove text_encoder and guidance, or name the input that is told the prompt as onnx.inputs.condition.',
      );
  }
  return beside;
}
