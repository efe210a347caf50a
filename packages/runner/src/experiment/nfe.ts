import { type Declarations, named } from './declared.js';
import { defaultStart, type Spec } from './schema.js';

/**
 * What is said of a key for the number of evaluations, which no spec has: it follows from `student.num_steps`, with the sum.
 *
 * @param nfe what the key says
 * @param spec whatever a person wrote
 */
export function nfeSentence(
  nfe: unknown,
  spec: Partial<Pick<Spec, 'student' | 'train'>>,
  declarations: Declarations,
): string {
  const {
    solver,
    start = defaultStart,
    afs,
    denoise_to_zero,
  } = (spec.student ?? {}) as Partial<Spec['student']>;
  const { plain, students, generators } = declarations;
  const isPlain = spec.train === false;
  const method = (isPlain ? undefined : named(students, solver)) ?? named(plain, solver);
  const table = named(generators, solver);
  const evaluations = table ? (table.evaluations ?? named(plain, start)?.evaluations) : method?.evaluations;
  const follows = 'unknown key; NFE follows from student.num_steps';
  if (typeof evaluations !== 'number')
    return `${follows}: the evaluations of an interval times num_steps − 1, less 1 with afs, 1 more with denoise_to_zero.`;
  const more = Number(denoise_to_zero === true) - Number(afs === true);
  const sum = (steps: number) => evaluations * (steps - 1) + more;
  const ends = `${afs === true ? ', less 1 with afs' : ''}${denoise_to_zero === true ? ', 1 more with denoise_to_zero' : ''}`;
  const rule = `${follows}: ${solver} takes ${evaluations} ${evaluations === 1 ? 'evaluation' : 'evaluations'} of each of the num_steps − 1 intervals${ends}`;
  if (typeof nfe !== 'number' || !Number.isInteger(nfe) || nfe < 1)
    return `${rule}: num_steps 4 are ${sum(4)} NFE.`;
  const steps = (nfe - more) / evaluations + 1;
  if (Number.isInteger(steps) && steps >= 2) return `${rule}: ${nfe} NFE are num_steps ${steps}.`;
  const below = Math.max(2, Math.floor(steps));
  return `${rule}: no num_steps are ${nfe} NFE; ${below} are ${sum(below)}, ${below + 1} are ${sum(below + 1)}.`;
}
