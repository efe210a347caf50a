/** Blocks that an iteration of a fit is made of. */
export interface Round {
  /** Of those that there are, from 0. */
  readonly first: number;
  readonly count: number;
  /** How much of the equations of the rounds before counts beside its own. */
  readonly keep: number;
}

/** Rounds on the first blocks, and how large a part of all these are. */
const opening = { rounds: 4, share: 3 / 32 };
/** The part of all blocks that each round after them adds, and what it keeps of the rounds before. */
const plan = [
  { share: 4 / 32, keep: 0.3 },
  { share: 6 / 32, keep: 0.5 },
  { share: 8 / 32, keep: 0.7 },
];

/**
 * The iterations of a fit on so many blocks of images: several on the first few, which bring a start where its equations
 * hold, then one on each of ever larger sets of new ones, beside what is remembered of those before, and the last on all of
 * them, once or as often as `final` says. So no image is learned by heart, and most calls are spent where a table is nearly
 * done.
 */
export function roundsOf(blocks: number, final = 1): Round[] {
  const begin = Math.max(1, Math.round(opening.share * blocks));
  const rounds = Array.from({ length: opening.rounds }, (): Round => ({ first: 0, count: begin, keep: 0 }));
  let [first, share] = [begin, opening.share];
  for (const { share: more, keep } of plan) {
    share += more;
    const count = Math.round(share * blocks) - first;
    if (count > 0) rounds.push({ first, count, keep });
    first += Math.max(0, count);
  }
  return [...rounds, ...Array.from({ length: final }, (): Round => ({ first: 0, count: blocks, keep: 0 }))];
}
