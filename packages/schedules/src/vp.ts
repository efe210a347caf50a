/** The noise level as a function of a model's time, and back. Both are increasing. */
export interface NoiseOfTime {
  sigmaOfT(t: number): number;
  tOfSigma(sigma: number): number;
}

/**
 * The variance-preserving process with β(t) = β_min + β_d·t, as noise level σ of the unscaled image.
 *
 * σ(t)² = exp(β_d·t²/2 + β_min·t) − 1. Source: Karras et al., arXiv:2206.00364, table 1.
 */
export function vp({ betaD = 19.9, betaMin = 0.1 } = {}): NoiseOfTime {
  return {
    sigmaOfT: (t) => Math.sqrt(Math.expm1(0.5 * betaD * t * t + betaMin * t)),
    tOfSigma: (sigma) => (Math.sqrt(betaMin ** 2 + 2 * betaD * Math.log1p(sigma * sigma)) - betaMin) / betaD,
  };
}

/** The variance-preserving process that has σ(1) = `sigmaMax` and σ(`epsilon`) = `sigmaMin`. */
export function vpThrough(sigmaMin: number, sigmaMax: number, epsilon: number): NoiseOfTime {
  const atEpsilon = Math.log1p(sigmaMin ** 2);
  const atOne = Math.log1p(sigmaMax ** 2);
  const betaD = (2 * (atEpsilon / epsilon - atOne)) / (epsilon - 1);
  return vp({ betaD, betaMin: atOne - 0.5 * betaD });
}
