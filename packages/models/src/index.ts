export type { Checkpoint, EdmCheckpoint, GuidedCheckpoint } from './checkpoint.js';
export { PythonInstance } from './constructors.js';
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
export { type DenoiserInfo, type ExportedDenoiser, exportDenoiser } from './export-denoiser.js';
export {
  admCheckpoint,
  cmCheckpoint,
  readAdmCheckpoint,
  readCmCheckpoint,
  withClassifier,
} from './guided-checkpoint.js';
export type { UnseenOptions } from './guided-options.js';
export type { GuidedUNetOptions } from './guided-unet.js';
export { type Inspection, inspectCheckpoint } from './inspect-checkpoint.js';
export {
  type OfficialPredictor,
  type OfficialPredictorSettings,
  parseOfficialPredictor,
  readOfficialPredictor,
} from './official-predictor.js';
export { PickleGlobal, PickleObject, type PickleValue } from './pickle.js';
export type { Preconditioning } from './preconditioning.js';
export { readPickle } from './read-pickle.js';
export { readSafetensors, readSafetensorsMetadata, writeSafetensors } from './safetensors.js';
export type { SongUNetOptions } from './song-unet.js';
export { openStateDict, readStateDict, type StateDict } from './state-dict.js';
export { type Dtype, type Tensor, type TensorData, type Tensors, toFloat32 } from './tensor.js';
export type { TensorInfo } from './tensor-file.js';
export { TensorView } from './torch-storage.js';
