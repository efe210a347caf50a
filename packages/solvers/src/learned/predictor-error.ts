/**
 * What a predictor or its training can't go on with.
 *
 * - `E_PREDICTOR`: weights are missing, unknown, of another shape or not finite, or a setting is out of its range.
 * - `E_TRAINING`: batch, teacher and noise levels don't fit, or a loss is not finite.
 */
export class PredictorError extends Error {
  constructor(
    readonly code: 'E_PREDICTOR' | 'E_TRAINING',
    message: string,
    /** What was found, by name. */
    readonly evidence: Readonly<Record<string, unknown>>,
  ) {
    super(message);
    this.name = 'PredictorError';
  }
}

export const trainingFault = (message: string, evidence: PredictorError['evidence']) =>
  new PredictorError('E_TRAINING', message, evidence);
