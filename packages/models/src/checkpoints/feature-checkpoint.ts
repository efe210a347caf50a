import { checkpointFault, ModelError, withPath } from '../errors.js';
import { isDino, isInception } from '../families/feature-names.js';
import { openTensorsAt } from '../files/state-dict.js';
import type { TensorFile } from '../files/tensor-file.js';
import { type DinoCheckpoint, dinoIn } from './dino-checkpoint.js';
import { type InceptionCheckpoint, inceptionCheckpoint } from './inception-checkpoint.js';

/** A network whose features distances are measured between. */
export type FeatureCheckpoint = InceptionCheckpoint | DinoCheckpoint;

/**
 * Reads the weights of a feature network, by what the file holds whatever its name:
 *
 * - FID's Inception-v3 (the graph `inception-2015-12-05`) from any of its public files, which hold the same network: a state
 *   dict as pytorch-fid and torch-fidelity publish it (`pt_inception-2015-12-05-6726825d.pth`), a pickled module as NVIDIA
 *   publishes it for StyleGAN3 and EDM (`inception-2015-12-05.pkl`), or a TorchScript program as for StyleGAN2-ADA
 *   (`inception-2015-12-05.pt`). Nothing is executed, and their code is not looked at.
 * - DINOv2's vision transformers without registers, from the original files (`dinov2_vitl14_pretrain.pth`) or Hugging Face's
 *   (`model.safetensors` of facebook/dinov2-large).
 *
 * @throws ModelError as `openStateDict`, and `E_CHECKPOINT` with the lists `missing`, `unexpected` and `wrongShape`; all with
 * `path` in `evidence`, and what to take instead.
 */
export async function readFeatureCheckpoint(path: string): Promise<FeatureCheckpoint> {
  try {
    const { file, close } = await openTensorsAt(path);
    try {
      return withPath(path, () => featureCheckpoint(file));
    } finally {
      close();
    }
  } catch (cause) {
    if (!(cause instanceof ModelError)) throw cause;
    throw new ModelError(cause.code, `${cause.message}. ${EXPECTED}`, cause.evidence, { cause });
  }
}

const EXPECTED =
  "Features are those of FID's Inception-v3 (pt_inception-2015-12-05-6726825d.pth as pytorch-fid publishes it, NVIDIA's inception-2015-12-05.pkl or .pt), of DINOv2 (dinov2_vitl14_pretrain.pth, or model.safetensors of facebook/dinov2-large), or of any network as an ONNX file";

function featureCheckpoint(file: Pick<TensorFile, 'tensors' | 'read'>): FeatureCheckpoint {
  const named = { tensors: Object.fromEntries(file.tensors) };
  if (isDino(named)) return dinoIn(file);
  if (!isInception(named)) throw checkpointFault('its tensors are of no feature network that is known');
  return inceptionCheckpoint(Object.fromEntries(file.read(file.tensors.keys())));
}
