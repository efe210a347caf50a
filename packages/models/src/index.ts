export type {
  Checkpoint,
  CheckpointNetwork,
  EdmCheckpoint,
  GuidedCheckpoint,
  LatentCheckpoint,
} from './checkpoints/checkpoint.js';
export {
  type ClipCheckpoint,
  type ClipNetwork,
  type ClipTold,
  openClipCheckpoint,
} from './checkpoints/clip-checkpoint.js';
export type { DinoCheckpoint } from './checkpoints/dino-checkpoint.js';
export { edmWeightShapes, parseEdmCheckpoint, readEdmCheckpoint } from './checkpoints/edm-checkpoint.js';
export type { EdmNetworkOptions } from './checkpoints/edm-options.js';
export {
  type FeatureCheckpoint,
  readFeatureCheckpoint,
} from './checkpoints/feature-checkpoint.js';
export {
  admCheckpoint,
  cmCheckpoint,
  readAdmCheckpoint,
  readCmCheckpoint,
  withClassifier,
} from './checkpoints/guided-checkpoint.js';
export type { UnseenOptions } from './checkpoints/guided-options.js';
export type { AdmOptions, ClassifierOptions } from './checkpoints/guided-settings.js';
export { type InceptionCheckpoint, inceptionCheckpoint } from './checkpoints/inception-checkpoint.js';
export type { LatentOptions } from './checkpoints/latent-options.js';
export {
  type OfficialPredictor,
  type OfficialPredictorSettings,
  parseOfficialPredictor,
  readOfficialPredictor,
} from './checkpoints/official-predictor.js';
export { readCheckpoint } from './checkpoints/read-checkpoint.js';
export { type FirstStage, readFirstStage } from './checkpoints/read-first-stage.js';
export {
  type LatentCheckpointOptions,
  parseDiffusersCheckpoint,
  parseLatentCheckpoint,
  readLatentCheckpoint,
} from './checkpoints/read-latent-checkpoint.js';
export { classifierFree } from './classifier-free.js';
export { type Clip, type ClipOptions, openClip } from './clip.js';
export {
  type DecoderInfo,
  type ExportedDecoder,
  exportDecoder,
  type LoadedDecoder,
  openDecoder,
} from './decoder.js';
export {
  type DenoiserRequest,
  type DenoiserResult,
  type LoadedDenoiser,
  openDenoiser,
} from './denoiser.js';
export { decodeGraph } from './engines/decode-graph.js';
export { type Device, parseDevice, parseDevices } from './engines/device.js';
export type { Engine } from './engines/engine.js';
export {
  type OnnxInput,
  type OnnxOutput,
  type OnnxSession,
  type OnnxSignature,
  onnxSession,
} from './engines/onnx-session.js';
export type { EngineOptions } from './engines/open-session.js';
export { probeDevice } from './engines/probe-device.js';
export { engineFault, ModelError, type ModelErrorCode } from './errors.js';
export {
  type Condition,
  type DenoiserInfo,
  type ExportedDenoiser,
  exportDenoiser,
} from './export-denoiser.js';
export type { CheckpointOptions } from './families/registry.js';
export type { Asked, OptionSource, Sources } from './families/sources.js';
export { exportFeatureNetwork, type FeatureResize } from './feature-network.js';
export { PythonInstance } from './files/constructors.js';
export { NumpyArray } from './files/numpy-constructors.js';
export { PickleGlobal, PickleObject, type PickleValue } from './files/pickle.js';
export { PickleText } from './files/pickle-text.js';
export { readPickle } from './files/read-pickle.js';
export { readSafetensors, readSafetensorsMetadata, writeSafetensors } from './files/safetensors.js';
export { openStateDict, readStateDict, type StateDict } from './files/state-dict.js';
export { type Dtype, type Tensor, type TensorData, type Tensors, toFloat32 } from './files/tensor.js';
export type { TensorInfo } from './files/tensor-file.js';
export { TensorView } from './files/torch-storage.js';
export { describeOnnx, type OnnxDescription, type OnnxRole } from './foreign/describe-onnx.js';
export { importDecoder, type OnnxDecoderOptions } from './foreign/import-decoder.js';
export { importDenoiser, type OnnxDenoiserOptions, parseOnnxDenoiser } from './foreign/import-denoiser.js';
export { importTextEncoder } from './foreign/import-text-encoder.js';
export { type Inspection, inspectCheckpoint } from './inspect-checkpoint.js';
export type { ClipTextOptions } from './networks/clip-text-encoder.js';
export type { DinoOptions } from './networks/dino.js';
export type { DhariwalUNetOptions, SongUNetOptions } from './networks/edm-unet.js';
export type { FirstStageOptions } from './networks/first-stage-decoder.js';
export type { GuidedUNetOptions } from './networks/guided-unet.js';
export type { LatentUNetOptions } from './networks/latent-unet.js';
export { alphasCumprod, type BetaSchedule } from './networks/noise-levels.js';
export type { Preconditioning } from './networks/preconditioning.js';
export type { DecodedOnnx, OnnxConstant, OnnxElements } from './onnx/decode-onnx.js';
export type { OnnxNode } from './onnx/onnx-model.js';
export { externalFiles } from './onnx/open-onnx.js';
export {
  type FeatureNetwork,
  type FeatureNetworkOptions,
  openFeatureNetwork,
} from './open-feature-network.js';
export { type ByteImages, toGridUint8, toUint8, toUnrounded, type UnroundedImages } from './pixels.js';
export { roundSigma } from './round-sigma.js';
export {
  type ExportedTextEncoder,
  exportTextEncoder,
  type LoadedTextEncoder,
  openTextEncoder,
  type TextEncoderInfo,
} from './text-encoder.js';
export { openTokenizer, type Tokenizer } from './tokenizer.js';
