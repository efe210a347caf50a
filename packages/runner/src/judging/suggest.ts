import { distance } from 'fastest-levenshtein';

/** The candidate that was probably meant: at most half of its letters differ, or one contains the other. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const typed = word.toLowerCase();
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const meant = candidate.toLowerCase();
    const apart = distance(typed, meant);
    const contained =
      typed.length > 2 && meant.length > 2 && (meant.includes(typed) || typed.includes(meant));
    if ((contained || apart <= Math.floor(Math.max(typed.length, meant.length) / 2)) && apart < least) {
      best = candidate;
      least = apart;
    }
  }
  return best;
}

/** ` did you mean "euler"?`, or nothing where no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const meant = nearest(word, candidates);
  return meant === undefined ? '' : `; did you mean "${meant}"?`;
}
