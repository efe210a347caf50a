export { PythonInstance } from './constructors.js';
export type { DhariwalUNetOptions } from './dhariwal-unet.js';
export { type Checkpoint, parseEdmCheckpoint, readEdmCheckpoint } from './edm-checkpoint.js';
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
  type OfficialPredictor,
  type OfficialPredictorSettings,
  parseOfficialPredictor,
  readOfficialPredictor,
} from './official-predictor.js';
export { PickleGlobal, PickleObject, type PickleValue } from './pickle.js';
export { readPickle } from './read-pickle.js';
export { readSafetensors, readSafetensorsMetadata, writeSafetensors } from './safetensors.js';
export type { SongUNetOptions } from './song-unet.js';
export { openStateDict, readStateDict, type StateDict } from './state-dict.js';
export { type Dtype, type Tensor, type TensorData, type Tensors, toFloat32 } from './tensor.js';
export { TensorView } from './torch-storage.js';
