import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rmseOfMeans } from '@fewstep/metrics';
import type { Range, Run } from '@fewstep/taskgraph';
import { readTensors, tensorOf } from './artifacts.js';
import type { paths as kind } from './kinds.js';
import { principalComponents } from './principal-components.js';

export interface PathsParams {
  /** Of the states, in their order. */
  readonly seeds: readonly Range[];
}

/** How samples come from noise to an image, beside the same seeds of a teacher. */
export interface Paths {
  readonly seeds: readonly number[];
  /** Noise levels of the states of both, descending; 0 of the denoised ones. Data units. */
  readonly sigmas: { readonly teacher: readonly number[]; readonly student: readonly number[] };
  /** Of the variance along a teacher's path, the share that each component has: the mean over the seeds. */
  readonly explained: readonly number[];
  /**
   * By seed and state: where it is in the first three principal components of the teacher's path from that seed, in data
   * units; the path's mean is the origin.
   */
  readonly teacher: readonly (readonly (readonly number[])[])[];
  readonly student: readonly (readonly (readonly number[])[])[];
  /**
   * At each of the student's noise levels the root mean square difference of its states and the teacher's, data units, with
   * its standard error over the seeds (0 of one seed).
   */
  readonly intervals: {
    readonly sigma: readonly number[];
    readonly rmse: readonly number[];
    readonly se: readonly number[];
  };
}

const components = 3;

/**
 * The paths of samples and of their teacher, which is kept with what the network answers along it. A path of the teacher's
 * lies almost in a plane (arXiv:2312.00094), each seed's in its own.
 *
 * Between its states the teacher is the cubic with their slopes, dx/dσ = (x − D)/σ, which is nearer to where it would go
 * than it is itself; beyond them it goes on straight, at 0 to what the network says of the last.
 */
export const run: Run<typeof kind> = async ({ params, inputs, dir }) => {
  const [student, teacher] = [await statesOf(inputs.student), await statesOf(inputs.teacher)];
  const { answers } = teacher;
  if (!answers) throw new Error('a teacher is kept with its answers');
  const seeds = params.seeds.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i),
  );
  const shares: (readonly number[])[] = [];
  const drawn = { teacher: [] as number[][][], student: [] as number[][][] };
  /** Mean squares, by noise level and seed. */
  const apart: number[][] = student.sigmas.map(() => []);
  for (const i of seeds.keys()) {
    const states = teacher.of(i);
    const { explained, coordinates } = principalComponents(states, components);
    const shown = (those: readonly Float32Array[]) => those.map((one) => coordinates(one).map(rounded));
    shares.push(explained);
    drawn.teacher.push(shown(states));
    const own = student.of(i);
    drawn.student.push(shown(own));
    const path = teacherPath(teacher.sigmas, states, answers(i));
    for (const [k, sigma] of student.sigmas.entries()) {
      const there = path(sigma);
      apart[k]!.push(own[k]!.reduce((sum, x, at) => sum + (x - there[at]!) ** 2, 0) / there.length);
    }
  }
  const errors = apart.map((means) => rmseOfMeans(means));
  const paths: Paths = {
    seeds,
    sigmas: { teacher: teacher.sigmas, student: student.sigmas },
    explained: Array.from({ length: components }, (_, at) =>
      rounded(shares.reduce((sum, one) => sum + one[at]!, 0) / shares.length),
    ),
    ...drawn,
    intervals: {
      sigma: student.sigmas,
      rmse: errors.map(({ rmse }) => rounded(rmse)),
      se: errors.map(({ standardError = 0 }) => rounded(standardError)),
    },
  };
  await writeFile(join(dir, 'paths.json'), `${JSON.stringify(paths)}\n`);
  return { files: { paths: 'paths.json' }, meta: { images: seeds.length } };
};

/** What is looked at needs no more digits, and a page of many has room for few. */
const rounded = (value: number): number => Number(value.toPrecision(6));

/** States that samples went through, by noise level. */
interface States {
  readonly sigmas: readonly number[];
  /** Of a sample. */
  of(sample: number): Float32Array[];
  /** What the network said of those that aren't denoised, where that was kept. */
  readonly answers?: ((sample: number) => Float32Array[]) | undefined;
}

/** Shards of states as one. */
async function statesOf(paths: readonly string[]): Promise<States> {
  const shards = await Promise.all(paths.map(readTensors));
  const by = (name: string) => {
    const parts = shards.map((tensors) => {
      const { data, shape } = tensorOf(tensors, name, 'F32');
      const [levels = 0, n = 0] = shape;
      const size = data.length / (levels * n);
      return Array.from({ length: n }, (_, i) =>
        Array.from({ length: levels }, (_, k) => data.subarray((k * n + i) * size, (k * n + i + 1) * size)),
      );
    });
    const samples = parts.flat();
    return (sample: number) => samples[sample]!;
  };
  return {
    sigmas: [...tensorOf(shards[0]!, 'sigmas', 'F64').data],
    of: by('inters'),
    answers: shards[0]!.answers && by('answers'),
  };
}

/** Where a teacher is at a noise level, of the states that it went through and what the network said of those with noise. */
export function teacherPath(
  sigmas: readonly number[],
  states: readonly Float32Array[],
  answers: readonly Float32Array[],
): (sigma: number) => Float64Array {
  const slope = (k: number, at: number) => (states[k]![at]! - answers[k]![at]!) / sigmas[k]!;
  const last = answers.length - 1;
  return (sigma) => {
    const k = sigmas.findIndex((level, k) => k < last && sigma <= level && sigma >= sigmas[k + 1]!);
    const from = k >= 0 ? k : sigma > sigmas[0]! ? 0 : last;
    const x = Float64Array.from(states[from]!);
    if (k < 0) return x.map((value, at) => value + (sigma - sigmas[from]!) * slope(from, at));
    const width = sigmas[k + 1]! - sigmas[k]!;
    const t = (sigma - sigmas[k]!) / width;
    // Hermite's basis
    const [begin, beginSlope] = [(1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2 * width];
    const [end, endSlope] = [t * t * (3 - 2 * t), t * t * (t - 1) * width];
    return x.map(
      (value, at) =>
        begin * value + beginSlope * slope(k, at) + end * states[k + 1]![at]! + endSlope * slope(k + 1, at),
    );
  };
}
