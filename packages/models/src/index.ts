export type { Checkpoint, EdmCheckpoint, GuidedCheckpoint, LatentCheckpoint } from './checkpoint.js';
export { classifierFree } from './classifier-free.js';
export type { ClipTextOptions } from './clip-text-encoder.js';
export { PythonInstance } from './constructors.js';
export {
  type DecoderInfo,
  type ExportedDecoder,
  exportDecoder,
  type LoadedDecoder,
  openDecoder,
} from './decoder.js';
export { describeOnnx, type OnnxDescription, type OnnxRole } from './describe-onnx.js';
export { type Device, parseDevice } from './device.js';
export type { DhariwalUNetOptions } from './dhariwal-unet.js';
export { edmWeightShapes, parseEdmCheckpoint, readEdmCheckpoint } from './edm-checkpoint.js';
export type { EdmNetworkOptions } from './edm-options.js';
export {
  type DenoiserRequest,
  type DenoiserResult,
  type LoadedDenoiser,
  openDenoiser,
} from './engine.js';
export { ModelError, type ModelErrorCode } from './errors.js';
export {
  type Condition,
  type DenoiserInfo,
  type ExportedDenoiser,
  exportDenoiser,
} from './export-denoiser.js';
export { exportFeatureNetwork, type FeatureResize } from './feature-network.js';
export type { FirstStageOptions } from './first-stage-decoder.js';
export {
  admCheckpoint,
  cmCheckpoint,
  readAdmCheckpoint,
  readCmCheckpoint,
  withClassifier,
} from './guided-checkpoint.js';
export type { UnseenOptions } from './guided-options.js';
export type { GuidedUNetOptions } from './guided-unet.js';
export { importDecoder, type OnnxDecoderOptions } from './import-decoder.js';
export { importDenoiser, type OnnxDenoiserOptions, parseOnnxDenoiser } from './import-denoiser.js';
export { importTextEncoder } from './import-text-encoder.js';
export {
  type InceptionCheckpoint,
  inceptionCheckpoint,
  readInceptionCheckpoint,
} from './inception-checkpoint.js';
export { type Inspection, inspectCheckpoint } from './inspect-checkpoint.js';
export type { LatentOptions } from './latent-options.js';
export type { LatentUNetOptions } from './latent-unet.js';
export { alphasCumprod, type BetaSchedule } from './noise-levels.js';
export {
  type OfficialPredictor,
  type OfficialPredictorSettings,
  parseOfficialPredictor,
  readOfficialPredictor,
} from './official-predictor.js';
export { externalFiles } from './open-onnx.js';
export type { EngineOptions } from './open-session.js';
export { PickleGlobal, PickleObject, type PickleValue } from './pickle.js';
export { PickleText } from './pickle-text.js';
export type { Preconditioning } from './preconditioning.js';
export { type CheckpointOptions, readCheckpoint } from './read-checkpoint.js';
export {
  type LatentCheckpointOptions,
  parseDiffusersCheckpoint,
  parseLatentCheckpoint,
  readLatentCheckpoint,
} from './read-latent-checkpoint.js';
export { readPickle } from './read-pickle.js';
export { roundSigma } from './round-sigma.js';
export { readSafetensors, readSafetensorsMetadata, writeSafetensors } from './safetensors.js';
export type { SongUNetOptions } from './song-unet.js';
export { openStateDict, readStateDict, type StateDict } from './state-dict.js';
export { type Dtype, type Tensor, type TensorData, type Tensors, toFloat32 } from './tensor.js';
export type { TensorInfo } from './tensor-file.js';
export {
  type ExportedTextEncoder,
  exportTextEncoder,
  type LoadedTextEncoder,
  openTextEncoder,
  type TextEncoderInfo,
} from './text-encoder.js';
export type { TensorBackend } from './tfjs/tensor-backends.js';
export { openTokenizer, type Tokenizer } from './tokenizer.js';
export { TensorView } from './torch-storage.js';
