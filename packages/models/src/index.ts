export { ModelError, type ModelErrorCode } from './errors.js';
export { readSafetensors, readSafetensorsMetadata, writeSafetensors } from './safetensors.js';
export { type Dtype, type Tensor, type TensorData, type Tensors, toFloat32 } from './tensor.js';
