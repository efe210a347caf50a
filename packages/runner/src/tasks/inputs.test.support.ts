/** Of tests whose model doesn't come from files. */
export const noModel = {
  graph: '',
  info: '',
  weights: undefined,
  conditions: [],
  schedule: undefined,
  method: undefined,
  spacing: undefined,
} as const;
