/** An image and the prompt that it was made for. */
export interface ClipPair {
  /** Which prompt: pairs of one prompt have one number. */
  readonly prompt: number;
  /** Of the angle between the embeddings of image and prompt. */
  readonly cosine: number;
}

/** A CLIP score, and how sure it is. */
export interface ClipScore {
  /** 100 times the mean of the cosines. */
  readonly score: number;
  /**
   * How much `score` would vary over other images of the same prompts, as many of each: the root of Σ_p n_p s_p² / n²,
   * with s_p² the variance (n_p − 1) of prompt p's n_p images. Where a prompt has one image alone, the spread between images
   * can't be told from that between prompts, and all count as of one: s/√n, which is then too wide for these prompts, and
   * right for others like them. Undefined of one image.
   */
  readonly standardError: number | undefined;
}

/**
 * The mean over images of 100·cos(image, its prompt), without a bound and without the temperature of CLIP's training.
 * Source: Hessel et al. 2021, arXiv:2104.08718, whose factor is 2.5 and cuts off at 0; as sampling with prompts reports it.
 */
export function clipScore(pairs: Iterable<ClipPair>): ClipScore {
  const all: number[] = [];
  const byPrompt = new Map<number, number[]>();
  for (const { prompt, cosine } of pairs) {
    all.push(100 * cosine);
    const alike = byPrompt.get(prompt);
    if (alike) alike.push(100 * cosine);
    else byPrompt.set(prompt, [100 * cosine]);
  }
  const groups = [...byPrompt.values()];
  const strata = groups.every(({ length }) => length > 1) ? groups : [all];
  const variance = strata.reduce((sum, one) => sum + one.length * varianceOf(one), 0) / all.length ** 2;
  return { score: meanOf(all), standardError: all.length > 1 ? Math.sqrt(variance) : undefined };
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of a sample, with n − 1. */
function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}
