/** Whether a feature network's file is weights, by its name; any other is an ONNX graph. */
export const isWeights = (file: string): boolean => /\.(pth|pt|ckpt|pkl|safetensors)$/i.test(file);
