/** What models has within, as it is built: the contract of engines, what makes graphs, and a small feature network. */
export { dinoIn } from '../../models/dist/checkpoints/dino-checkpoint.js';
export {
  tiny,
  tinyFigures,
  tinyImage,
  tinyImages,
  tinyWeights,
} from '../../models/dist/dino-tiny.test.support.js';
export { engineContract, refusal } from '../../models/dist/engines/engine-contract.test.support.js';
export { openSession } from '../../models/dist/engines/open-session.js';
export { encodeOnnx, type OnnxModel } from '../../models/dist/onnx/onnx-model.js';
