/** What models has within, as it is built: the contract of engines, and what makes graphs. */
export { engineContract, refusal } from '../../models/dist/engines/engine-contract.test.support.js';
export { openSession } from '../../models/dist/engines/open-session.js';
export { encodeOnnx, type OnnxModel } from '../../models/dist/onnx/onnx-model.js';
