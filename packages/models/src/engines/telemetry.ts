/**
 * ONNX Runtime posts what it is used for (a device id, names of model files, sizes and durations), and keeps a database of
 * it in the home folder, unless this is set before it is loaded. Who has set it decides.
 */
export const withoutTelemetry = (): void => {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
};
