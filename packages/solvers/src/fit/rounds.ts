/** Images that an iteration of a fit is made of. */
export interface Round {
  /** Of those that there are, from 0. */
  readonly first: number;
  readonly count: number;
  /** How much of the equations of the rounds before counts beside its own. */
  readonly keep: number;
}

/** Thirty-seconds of the images that a round adds, and what it keeps of the rounds before. */
const plan = [
  { share: 3, keep: 0 },
  { share: 3, keep: 0 },
  { share: 3, keep: 0 },
  { share: 3, keep: 0 },
  { share: 4, keep: 0.3 },
  { share: 6, keep: 0.5 },
  { share: 8, keep: 0.7 },
  { share: 11, keep: 0.7 },
];
const FIRST = 4;

/**
 * The iterations of a fit on so many images: several on the first few, which bring a start where its equations hold, then one
 * on each of ever larger sets of new ones, beside what is remembered of those before. So no image is learned by heart, and
 * most calls are spent where a table is nearly done.
 */
export function roundsOf(images: number): Round[] {
  const rounds: Round[] = [];
  let taken = 0;
  for (const [i, { share, keep }] of plan.entries()) {
    const first = Math.round((taken * images) / 32);
    const count = Math.round(((taken + share) * images) / 32) - first;
    if (count > 0) rounds.push({ first, count, keep });
    // the first of them are of the same images
    if (i >= FIRST - 1) taken += share;
  }
  return rounds;
}
